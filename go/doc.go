// Package cmms is the maintenance-integration engine in your process: no server, no other module.
//
// It is a thin layer over a native library; `cargo xtask go` builds that into lib/. Every call takes a context first: when
// it ends, the call is ended at its next safe point. Fields of inputs that may be left away are [Opt]s: the zero value
// leaves the field as it is, [Some] sets it, [Null] clears it. A number in a free field, such as one of CustomFields, is read
// as a [encoding/json.Number], which keeps its digits.
//
//	client, err := cmms.Open("sqlite://cmms.db")
//	order, err := client.WorkOrders.Create(ctx, cmms.WorkOrdersCreate{Title: "Check pump"})
//	for order, err := range client.WorkOrders.All(ctx, cmms.WorkOrdersList{}) { … }
package cmms
