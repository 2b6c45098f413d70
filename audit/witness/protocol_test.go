package witness

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/custos-zt/custos/audit"
)

// specExample is the example request of C2SP tlog-witness.
const specExample = `old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
`

func TestRequestIsThatOfTheSpecification(t *testing.T) {
	r, err := parseRequest([]byte(specExample))
	if err != nil || r.old != 20852014 || len(r.proof) != 4 || !bytes.HasPrefix(r.checkpoint, []byte("example.com/behind-the-sofa\n20852163\n")) {
		t.Fatalf("%+v, %v", r, err)
	}
	if got := string(r.marshal()); got != specExample {
		t.Fatalf("written again:\n%s", got)
	}
	for _, bad := range []string{
		"", "old 1", "old 01\n\nx", "old -1\n\nx", "size 1\n\nx", "1\n\nx", "old 1\nAA==\n\nx", "old 1\n" + strings.Repeat("PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n", 64) + "\nx",
		"old 18446744073709551616\n\nx", "old 1 \n\nx",
	} {
		if _, err := parseRequest([]byte(bad)); err == nil {
			t.Errorf("accepted %q", bad)
		}
	}
}

// TestStatusCodes: every answer that the specification demands, to requests
// written byte by byte.
func TestStatusCodes(t *testing.T) {
	b := newBench(t)
	b.enrol()
	b.grow(6)
	small, smallHead, err := b.chain.Head()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.client.Cosign(context.Background(), b.chain, 0); err != nil {
		t.Fatal(err)
	}
	b.grow(6)
	large, head, err := b.chain.Head()
	if err != nil {
		t.Fatal(err)
	}
	proof, err := b.chain.Consistency(smallHead.Size, head)
	if err != nil || len(proof) < 2 {
		t.Fatalf("%d hashes, %v", len(proof), err)
	}
	other := head
	other.Root[0] ^= 1
	forked, err := other.Sign(b.key)
	if err != nil {
		t.Fatal(err)
	}
	good := request{old: smallHead.Size, proof: proof, checkpoint: large}
	wrong, short, zero := good, good, good
	wrong.proof = append(append(proof[:0:0], proof[1:]...), proof[0])
	short.proof = proof[1:]
	zero.old, zero.proof = 0, nil
	tests := []struct {
		name   string
		body   []byte
		status int
		kind   string
		answer string
	}{
		{"nonsense", []byte("nonsense"), 400, "", ""},
		{"too long", bytes.Repeat([]byte("x"), maxBody+1), 400, "", ""},
		{"the old size is larger", (&request{old: head.Size + 1, checkpoint: large}).marshal(), 400, "", ""},
		{"unknown origin", []byte(specExample), 404, "", ""},
		{"another name", bytes.Replace(good.marshal(), []byte("\ncustos/"), []byte("\ncustas/"), 1), 404, "", ""},
		{"changed root", bytes.Replace(good.marshal(), []byte(head.Root.String()), []byte(smallHead.Root.String()), 1), 403, "", ""},
		{"no signature", append(good.marshal()[:len(good.marshal())-20], '\n'), 403, "", ""},
		{"size unknown to the client", zero.marshal(), 409, sizeType, "7\n"},
		{"wrong proof", wrong.marshal(), 422, "", ""},
		{"short proof", short.marshal(), 422, "", ""},
		{"good", good.marshal(), 200, "", "— witness.example/w1 "},
		{"the same again", (&request{old: head.Size, checkpoint: large}).marshal(), 200, "", "— witness.example/w1 "},
		{"the same again, with a proof", (&request{old: head.Size, proof: proof, checkpoint: large}).marshal(), 422, "", ""},
		{"another root of the same size", (&request{old: head.Size, checkpoint: forked}).marshal(), 409, "text/plain; charset=utf-8", "the roots differ"},
		{"smaller", (&request{old: smallHead.Size, checkpoint: small}).marshal(), 409, sizeType, "13\n"},
	}
	for _, c := range tests {
		res, err := http.Post(b.http.URL+"/add-checkpoint", "text/plain", bytes.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != c.status || c.kind != "" && res.Header.Get("Content-Type") != c.kind || !strings.HasPrefix(string(text), c.answer) {
			t.Errorf("%s: status %d, %s, %q, %v; want %d %s %q", c.name, res.StatusCode, res.Header.Get("Content-Type"), text, err, c.status, c.kind, c.answer)
		}
	}
	for path, method := range map[string]string{"/add-checkpoint": "GET", headsPath + b.keys.Instance(): "POST"} {
		req, err := http.NewRequest(method, b.http.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil || res.StatusCode != 405 {
			t.Errorf("%s %s: %v, %v", method, path, res.StatusCode, err)
		}
		res.Body.Close()
	}
}

// TestHostilePaths: an instance in a path is never a file elsewhere.
func TestHostilePaths(t *testing.T) {
	b := newBench(t)
	for _, id := range []string{"../key", "..%2fkey", "i_0000000000000000/../../key", "", "i_"} {
		res, err := http.Get(b.http.URL + headsPath + id)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode == 200 || bytes.Contains(text, []byte("PRIVATE")) {
			t.Errorf("%q: status %d, %q", id, res.StatusCode, text)
		}
	}
}

func FuzzRequest(f *testing.F) {
	f.Add([]byte(specExample))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := parseRequest(body)
		if err == nil && !bytes.Equal(r.marshal(), body) {
			t.Fatalf("read %q as %q", body, r.marshal())
		}
	})
}

func FuzzWitnessKey(f *testing.F) {
	f.Add(audit.NewWitnessKey("w/1", testKey(1).Public().(ed25519.PublicKey)).String())
	f.Fuzz(func(t *testing.T, text string) {
		if k, err := audit.ParseWitnessKey(text); err == nil && k.String() != strings.TrimSpace(text) {
			t.Fatalf("read %q as %q", text, k)
		}
	})
}
