// Command promcheck checks files of alert rules, or metrics on its standard input. It does what
// `promtool check rules` and `promtool check metrics` do, with the same libraries: promtool itself also
// contains the clients of all clouds, and takes three times as long to build.
package main

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

func main() {
	problems := 0
	report := func(problem any) {
		problems++
		fmt.Println(problem)
	}
	if files := os.Args[1:]; len(files) > 0 {
		checkRules(files, report)
	} else {
		checkMetrics(report)
	}
	if problems > 0 {
		os.Exit(1)
	}
}

func checkRules(files []string, report func(any)) {
	expressions := parser.NewParser(parser.Options{})
	for _, file := range files {
		_, errs := rulefmt.ParseFile(file, false, model.UTF8Validation, expressions, slog.Default())
		for _, err := range errs {
			report(err)
		}
	}
}

func checkMetrics(report func(any)) {
	problems, err := promlint.New(os.Stdin).Lint()
	if err != nil {
		report(err)
	}
	for _, problem := range problems {
		report(problem.Metric + ": " + problem.Text)
	}
}
