// Brings a vendor's records in and lists some. First start a vendor: `cmms simulate upkeep`.
package main

import (
	"context"
	"fmt"
	"os"

	"arxos.com/cmms"
)

func main() {
	ctx, address := context.Background(), append(os.Args, "http://127.0.0.1:9100")[1]
	client := must(cmms.Open("sqlite://plant.db", cmms.Options{Settings: map[string]string{"CMMS_EGRESS_ALLOW": address}}))
	defer client.Close()
	login := cmms.Some(map[string]string{"email": "integration@example.com", "password": "upkeep-sim"})
	plant := must(client.Connections.Ensure(ctx, cmms.ConnectionsEnsure{
		CmmsType: "upkeep", APIURL: address, ConnectionName: "Plant", Credentials: login}))
	run := must(client.Sync.All(ctx, cmms.SyncAll{CmmsConnectionID: plant.ID}))
	fmt.Println(run.Status, run.SyncedCount)
	wanted := cmms.WorkOrdersList{Status: cmms.Some([]cmms.WorkOrderStatus{cmms.WorkOrderStatusInProgress})}
	for order, err := range client.WorkOrders.All(ctx, wanted) {
		fmt.Println(order.Number, order.Priority, order.Title, err)
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
