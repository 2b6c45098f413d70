package cli

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/internal/index"
)

// reindexed is `audit reindex --json`.
type reindexed struct {
	Records  uint64   `json:"records"`
	Entries  uint64   `json:"entries"`
	Seconds  float64  `json:"seconds"`
	Problems []string `json:"problems"`
}

func (a *app) auditReindexCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "reindex",
		Short: "Build the index of the log anew",
		Long: `Build the index that query, stats and review ask anew from the whole log. The old
one serves until it is done. There is seldom a reason to: an index that is damaged
or of another log is found and built anew without being told.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := a.logDir()
			if err != nil {
				return err
			}
			x, err := a.openIndex(dir)
			if err != nil {
				return err
			}
			began := time.Now()
			r, err := x.Rebuild(cmd.Context(), index.UpdateOptions{Progress: a.progress("records indexed")})
			if err != nil {
				return a.indexError(err)
			}
			out := reindexed{Records: r.Records, Entries: r.Entries, Seconds: time.Since(began).Seconds(), Problems: []string{}}
			for _, p := range r.Problems {
				out.Problems = append(out.Problems, p.Error())
			}
			if a.json {
				err = json.NewEncoder(a.Out).Encode(out)
			} else {
				_, err = fmt.Fprintf(a.Out, "%d records in %.1f s\n", out.Records, out.Seconds)
			}
			a.sayProblems(r)
			if err == nil && len(r.Problems) > 0 {
				return status(ExitEvidence)
			}
			return err
		},
	}
}
