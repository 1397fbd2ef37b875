package cmms

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func opened(t *testing.T) *Client {
	t.Helper()
	client, err := Open("sqlite://" + filepath.Join(t.TempDir(), "cmms.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestFieldsAreLeftAwaySetAndCleared(t *testing.T) {
	client, ctx := opened(t), context.Background()
	due := time.Date(2030, 1, 15, 9, 0, 0, 0, time.FixedZone("", 3600))
	order, err := client.WorkOrders.Create(ctx, WorkOrdersCreate{
		Title: "Check pump", Priority: Some(PriorityHigh), DueAt: Some(due), EstimatedCost: Some(Money("12.50"))})
	if err != nil {
		t.Fatal(err)
	}
	if !order.DueAt.Equal(due) || *order.EstimatedCost != "12.50" || order.Priority != PriorityHigh || order.Description != nil {
		t.Fatalf("%+v", order)
	}
	order, err = client.WorkOrders.Update(ctx, WorkOrdersUpdate{WorkOrderID: order.ID, DueAt: Null[time.Time]()})
	if err != nil || order.DueAt != nil || *order.EstimatedCost != "12.50" {
		t.Fatalf("%+v %v", order, err)
	}
}

func TestNumbersInFreeFieldsKeepTheirDigits(t *testing.T) {
	client, ctx := opened(t), context.Background()
	custom := map[string]any{"serial": int64(9007199254740993), "largest": uint64(18446744073709551615), "hours": 0.9333333333333333,
		"list": []any{int64(-9223372036854775808)}}
	order, err := client.WorkOrders.Create(ctx, WorkOrdersCreate{Title: "Check pump", CustomFields: Some(custom)})
	if err != nil {
		t.Fatal(err)
	}
	// What was read is what is sent back.
	again, err := client.WorkOrders.Update(ctx, WorkOrdersUpdate{WorkOrderID: order.ID, CustomFields: Some(order.CustomFields)})
	if err != nil {
		t.Fatal(err)
	}
	for _, fields := range []map[string]any{order.CustomFields, again.CustomFields} {
		text, err := json.Marshal(fields)
		if err != nil || string(text) != `{"hours":0.9333333333333333,"largest":18446744073709551615,"list":[-9223372036854775808],"serial":9007199254740993}` {
			t.Fatalf("%s %v", text, err)
		}
	}
	if again.Version != order.Version {
		t.Fatalf("an equal update made version %d of %d", again.Version, order.Version)
	}
}

func TestListsPageByThemselves(t *testing.T) {
	client, ctx := opened(t), context.Background()
	for range 120 {
		if _, err := client.WorkOrders.Create(ctx, WorkOrdersCreate{Title: "Check pump"}); err != nil {
			t.Fatal(err)
		}
	}
	count := func(limit Opt[int64]) int {
		numbers := map[string]bool{}
		for order, err := range client.WorkOrders.All(ctx, WorkOrdersList{Limit: limit}) {
			if err != nil {
				t.Fatal(err)
			}
			numbers[order.Number] = true
		}
		return len(numbers)
	}
	if all := count(Opt[int64]{}); all != 120 {
		t.Fatal(all)
	}
	for limit, expected := range map[int64]int{1: 1, 49: 49, 50: 50, 51: 51, 100: 100, 120: 120, 1000: 120} {
		if found := count(Some(limit)); found != expected {
			t.Fatal(limit, found)
		}
	}
	for _, err := range client.WorkOrders.All(ctx, WorkOrdersList{Limit: Some(int64(0))}) {
		if !errors.Is(err, ErrInvalidInput) {
			t.Fatal(err)
		}
	}
	for range client.WorkOrders.All(ctx, WorkOrdersList{}) {
		break
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	client, ctx := opened(t), context.Background()
	_, err := client.WorkOrders.Get(ctx, "00000000-0000-7000-8000-000000000001")
	var problem *Error
	if !errors.Is(err, ErrNotFound) || errors.Is(err, ErrConflict) || !errors.As(err, &problem) {
		t.Fatal(err)
	}
	if problem.Code != "CMMS-WO-001" || problem.Field != "work_order_id" || problem.Remedy == "" {
		t.Fatalf("%+v", problem)
	}
	_, err = client.WorkOrders.Create(ctx, WorkOrdersCreate{Title: "Check pump", Priority: Some(Priority("hgih"))})
	if !errors.Is(err, ErrInvalidInput) || !strings.Contains(err.Error(), "did you mean high") {
		t.Fatal(err)
	}
	if _, err := Open("mysql://host/database"); !errors.Is(err, &Error{Code: "CMMS-STORE-009"}) {
		t.Fatal(err)
	}
}

func TestARepeatedCallWithAKeyIsOneCall(t *testing.T) {
	client, ctx := opened(t), WithIdempotencyKey(context.Background(), "once")
	first, err := client.WorkOrders.Create(ctx, WorkOrdersCreate{Title: "Check pump"})
	if err != nil {
		t.Fatal(err)
	}
	again, err := client.WorkOrders.Create(ctx, WorkOrdersCreate{Title: "Check pump"})
	if err != nil || again.ID != first.ID {
		t.Fatal(again, err)
	}
}

func TestClosedIsClosed(t *testing.T) {
	client := opened(t)
	if err := errors.Join(client.Close(), client.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := client.WorkOrders.List(context.Background(), WorkOrdersList{}); !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
	var problem *Error
	if err := client.Call(context.Background(), "work_orders.list", nil, nil); !errors.As(err, &problem) || problem.Remedy == "" {
		t.Fatal(err)
	}
}

func TestAContextThatEndsEndsItsCall(t *testing.T) {
	address := simulate(t, "upkeep", "--latency-ms", "2000")
	client, err := Open("sqlite://"+filepath.Join(t.TempDir(), "cmms.db"),
		Options{Settings: map[string]string{"CMMS_EGRESS_ALLOW": address}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	plant, err := client.Connections.Create(context.Background(), ConnectionsCreate{
		CmmsType: "upkeep", APIURL: address, ConnectionName: "Plant",
		Credentials: Some(map[string]string{"email": "integration@example.com", "password": "upkeep-sim"})})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	start := time.Now()
	run, err := client.Sync.All(ctx, SyncAll{CmmsConnectionID: plant.ID})
	// A run that was under way comes with the error.
	if !errors.Is(err, context.DeadlineExceeded) || run != nil && run.Status != SyncStatusCancelled {
		t.Fatal(run, err)
	}
	if took := time.Since(start); took > 1500*time.Millisecond {
		t.Fatal(took)
	}
	over, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := client.Runs.List(over, RunsList{}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestASyncThatFailedIsRunAndError(t *testing.T) {
	address, ctx := simulate(t, "upkeep"), context.Background()
	client, err := Open("sqlite://"+filepath.Join(t.TempDir(), "cmms.db"),
		Options{Settings: map[string]string{"CMMS_EGRESS_ALLOW": address}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	plant, err := client.Connections.Create(ctx, ConnectionsCreate{
		CmmsType: "upkeep", APIURL: address, ConnectionName: "Plant",
		Credentials: Some(map[string]string{"email": "integration@example.com", "password": "another"})})
	if err != nil {
		t.Fatal(err)
	}
	run, err := client.Sync.All(ctx, SyncAll{CmmsConnectionID: plant.ID})
	var failed *SyncFailedError
	if run == nil || run.Status != SyncStatusFailed || !errors.As(err, &failed) || failed.Run != run {
		t.Fatal(run, err)
	}
	var problem *Error
	if !errors.Is(err, ErrUpstream) || !errors.As(err, &problem) || problem.Code != "CMMS-VENDOR-002" || problem.Remedy == "" {
		t.Fatal(err)
	}
	if !strings.HasPrefix(err.Error(), "cmms: the sync failed: ") {
		t.Fatal(err)
	}
	if stored, err := client.Runs.Get(ctx, run.ID); err != nil || stored.Status != SyncStatusFailed {
		t.Fatal(stored, err)
	}
}

func TestGoroutinesShareAClient(t *testing.T) {
	calls := 100
	if os.Getenv("CMMS_TEST_TIER") == "release" {
		calls = 1000
	}
	client, ctx := opened(t), context.Background()
	order, err := client.WorkOrders.Create(ctx, WorkOrdersCreate{Title: "Check pump"})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 64 {
		all.Add(1)
		go func() {
			defer all.Done()
			for range calls {
				if rand.IntN(20) == 0 {
					_, err := client.WorkOrders.Create(ctx, WorkOrdersCreate{Title: "Check pump"})
					if err != nil {
						t.Error(err)
					}
					continue
				}
				if found, err := client.WorkOrders.Get(ctx, order.ID); err != nil || found.Title != order.Title {
					t.Error(found, err)
				}
			}
		}()
	}
	all.Wait()
	t.Logf("64 goroutines, %d calls each", calls)
}

func TestAClientIsClosedUnderCalls(t *testing.T) {
	client, ctx := opened(t), context.Background()
	var all sync.WaitGroup
	for range 16 {
		all.Add(1)
		go func() {
			defer all.Done()
			for {
				if _, err := client.WorkOrders.List(ctx, WorkOrdersList{}); err != nil {
					if !errors.Is(err, ErrClosed) {
						t.Error(err)
					}
					return
				}
			}
		}()
	}
	time.Sleep(20 * time.Millisecond)
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	all.Wait()
}

func TestTheExampleRuns(t *testing.T) {
	address := simulate(t, "upkeep", "--assets", "20", "--work-orders", "60")
	example := filepath.Join(t.TempDir(), "sync")
	build := exec.Command("go", "build", "-o", example, "./sync")
	build.Dir = "../examples/go"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	folder := t.TempDir()
	// Again it takes the connection that is there and asks for what changed.
	for _, start := range []string{"ok 80\nWO-", "ok "} {
		command := exec.Command(example, address)
		command.Dir = folder
		out, err := command.CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), start) || !strings.Contains(string(out), "\nWO-") {
			t.Fatal(err, string(out))
		}
	}
	source, err := os.ReadFile("../examples/go/sync/main.go")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(source), "func main() {\n")
	body, _, _ = strings.Cut(body, "\n}\n")
	if !strings.Contains(string(readme), body) || strings.Count(body, "\n") >= 15 {
		t.Fatal("the README does not show the example, or it has more than 15 lines")
	}
}
