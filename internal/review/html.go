package review

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"strings"
	"time"
)

// styles is the only thing on the page that is not text.
const styles = `body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem;color:#1a1a1a;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid #ddd;overflow-wrap:anywhere}
th{font-weight:600}.bad{color:#a40000;font-weight:600}.fair{color:#7a4b00;font-weight:600}.good{color:#1b5e20}
@media(prefers-color-scheme:dark){body{color:#e8e8e8;background:#161616}th,td{border-color:#3a3a3a}.bad{color:#ff8a80}.fair{color:#ffca7a}.good{color:#9bd6a0}}`

// WriteHTML writes the page as one file that needs nothing else: no script, no
// link, no picture, and a policy in its head that allows none.
func (r *Report) WriteHTML(w io.Writer, zone *time.Location) error {
	sum := sha256.Sum256([]byte(styles))
	var b strings.Builder
	fmt.Fprintf(&b, `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'">
<meta name="referrer" content="no-referrer"><meta name="viewport" content="width=device-width">
<title>Custos review</title><style>%s</style></head>
<body><h1>Custos review</h1>
`, base64.StdEncoding.EncodeToString(sum[:]), styles)
	fmt.Fprintf(&b, "<p>%s</p>\n", html.EscapeString(r.summary(zone)))
	for _, s := range r.sections(zone) {
		fmt.Fprintf(&b, "<h2>%s</h2>\n", html.EscapeString(s.title))
		if len(s.rows) == 0 {
			fmt.Fprintf(&b, "<p>%s</p>\n", html.EscapeString(s.none))
			continue
		}
		b.WriteString("<table><thead><tr>")
		for _, h := range s.head {
			fmt.Fprintf(&b, `<th scope="col">%s</th>`, html.EscapeString(h))
		}
		b.WriteString("</tr></thead><tbody>\n")
		for _, row := range s.rows {
			b.WriteString("<tr>")
			for _, c := range row {
				if c.mood == plain {
					fmt.Fprintf(&b, "<td>%s</td>", html.EscapeString(c.text))
				} else {
					fmt.Fprintf(&b, `<td class="%s">%s</td>`, c.mood, html.EscapeString(c.text))
				}
			}
			b.WriteString("</tr>\n")
		}
		b.WriteString("</tbody></table>\n")
		if s.more != "" {
			fmt.Fprintf(&b, "<p>%s</p>\n", html.EscapeString(s.more))
		}
	}
	b.WriteString("</body></html>\n")
	_, err := io.WriteString(w, b.String())
	return err
}
