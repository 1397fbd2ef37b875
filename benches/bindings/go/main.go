// Single operations from Go: cmms, and plain database/sql. bench STYLE DATABASE IDS
package main

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"arxos.com/cmms"

	_ "github.com/mattn/go-sqlite3"
)

func main() {
	style, database := os.Args[1], os.Args[2]
	keys := strings.Fields(string(must(os.ReadFile(os.Args[3]))))
	if style == "cmms" {
		library(database, keys)
	} else {
		plain(database, keys)
	}
}

func library(database string, keys []string) {
	ctx := context.Background()
	client := must(cmms.Open("sqlite://" + database))
	defer client.Close()
	scheduled := cmms.WorkOrdersList{Status: cmms.Some([]cmms.WorkOrderStatus{cmms.WorkOrderStatusScheduled}), Limit: cmms.Some(int64(50))}
	result(
		func(n int) { must(client.WorkOrders.Get(ctx, keys[n%len(keys)])) },
		func(int) {
			must(client.WorkOrders.Create(ctx, cmms.WorkOrdersCreate{Title: "Check pump", Priority: cmms.Some(cmms.PriorityHigh)}))
		},
		func(int) { must(client.WorkOrders.List(ctx, scheduled)) },
	)
}

const columns = "id, version, created_by, number, title, priority, status, work_order_type, source, description, asset_id, " +
	"location, assigned_to, created_at, updated_at, due_at, estimated_hours, estimated_cost, tags, custom_fields"

type order struct {
	id                                                       []byte
	version                                                  int64
	createdBy, number, title, priority, status, kind, source string
	description, asset, location, assigned                   sql.NullString
	created, updated                                         int64
	due, cost                                                sql.NullInt64
	hours                                                    sql.NullFloat64
	tags, fields                                             string
}

func (o *order) into() []any {
	return []any{&o.id, &o.version, &o.createdBy, &o.number, &o.title, &o.priority, &o.status, &o.kind, &o.source,
		&o.description, &o.asset, &o.location, &o.assigned, &o.created, &o.updated, &o.due, &o.hours, &o.cost, &o.tags, &o.fields}
}

func plain(database string, keys []string) {
	db := must(sql.Open("sqlite3", "file:"+database+"?_journal_mode=WAL&_synchronous=FULL"))
	var org []byte
	check(db.QueryRow("SELECT id FROM organizations").Scan(&org))
	ids := make([][]byte, len(keys))
	for n, key := range keys {
		ids[n] = must(hex.DecodeString(strings.ReplaceAll(key, "-", "")))
	}
	one := must(db.Prepare("SELECT " + columns + " FROM work_orders WHERE org_id = ? AND id = ?"))
	many := must(db.Prepare("SELECT " + columns + " FROM work_orders WHERE org_id = ? AND status = ? ORDER BY id LIMIT 50"))
	insert := must(db.Prepare("INSERT INTO work_orders (org_id, id, version, created_at, created_by, updated_at, number, title, " +
		"priority, status, work_order_type, source, tags, custom_fields) VALUES (?, randomblob(16), 1, ?, 'user:bench', ?, ?, " +
		"'Check pump', 'high', 'scheduled', 'corrective', 'manual', '[]', '{}')"))
	result(
		func(n int) {
			var o order
			check(one.QueryRow(org, ids[n%len(ids)]).Scan(o.into()...))
		},
		func(n int) {
			now := time.Now().UnixMicro()
			must(insert.Exec(org, now, now, fmt.Sprintf("XX-go-%d", n)))
		},
		func(int) {
			rows := must(many.Query(org, "scheduled"))
			defer rows.Close()
			for rows.Next() {
				var o order
				check(rows.Scan(o.into()...))
			}
			check(rows.Err())
		},
	)
}

func result(get, create, page func(int)) {
	got, listed, created := perCall(get, 4000), perCall(page, 200), perCall(create, 200)
	fmt.Printf("RESULT {\"get\": %.3f, \"list\": %.3f, \"create\": %.3f}\n", got, listed, created)
}

// perCall is microseconds: the middle of five blocks.
func perCall(one func(int), times int) float64 {
	blocks := make([]float64, 5)
	for block := range blocks {
		start := time.Now()
		for n := range times {
			one(block*times + n)
		}
		blocks[block] = float64(time.Since(start).Nanoseconds()) / 1e3 / float64(times)
	}
	slices.Sort(blocks)
	return blocks[2]
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
