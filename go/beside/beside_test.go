// Package beside links the library beside a package that brings an SQLite of its own, and uses both.
package beside

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"arxos.com/cmms"

	_ "github.com/mattn/go-sqlite3"
)

func TestTwoSQLitesInOneProgram(t *testing.T) {
	folder := t.TempDir()
	client, err := cmms.Open("sqlite://" + filepath.Join(folder, "cmms.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	other, err := sql.Open("sqlite3", filepath.Join(folder, "other.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.Exec("CREATE TABLE t (x INTEGER); INSERT INTO t VALUES (7)"); err != nil {
		t.Fatal(err)
	}
	if _, err := client.WorkOrders.Create(context.Background(), cmms.WorkOrdersCreate{Title: "Check pump"}); err != nil {
		t.Fatal(err)
	}
	var x int
	if err := other.QueryRow("SELECT x FROM t").Scan(&x); err != nil || x != 7 {
		t.Fatal(x, err)
	}
}
