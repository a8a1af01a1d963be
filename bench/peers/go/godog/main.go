// godog on a folder of features: `godog FEATURES CONCURRENCY`, the server's address in SERVER.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"

	"github.com/cucumber/godog"
)

// What a scenario got.
type answer struct {
	status int
	body   map[string]any
}

type key struct{}

func get(ctx context.Context, path string) (context.Context, error) {
	response, err := http.Get("http://" + os.Getenv("SERVER") + path)
	if err != nil {
		return ctx, err
	}
	defer response.Body.Close()
	got := answer{status: response.StatusCode}
	err = json.NewDecoder(response.Body).Decode(&got.body)
	return context.WithValue(ctx, key{}, got), err
}

func has(ctx context.Context, table *godog.Table) error {
	got := ctx.Value(key{}).(answer)
	for _, row := range table.Rows {
		found := fmt.Sprint(got.status)
		if place := row.Cells[0].Value; place != "status" {
			found = fmt.Sprint(got.body[place[2:]])
		}
		if found != row.Cells[1].Value {
			return fmt.Errorf("%s is %s, not %s", row.Cells[0].Value, found, row.Cells[1].Value)
		}
	}
	return nil
}

func main() {
	concurrency, err := strconv.Atoi(os.Args[2])
	if err != nil {
		panic(err)
	}
	suite := godog.TestSuite{
		ScenarioInitializer: func(scenario *godog.ScenarioContext) {
			scenario.When(`^I send GET "([^"]*)" to site$`, get)
			scenario.Then(`^the response has$`, has)
		},
		Options: &godog.Options{Format: "progress", Paths: []string{os.Args[1]}, Concurrency: concurrency, Strict: true},
	}
	os.Exit(suite.Run())
}
