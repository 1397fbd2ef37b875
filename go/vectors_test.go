package cmms

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The golden scripts of api/vectors, through the generated methods and types.

type script struct {
	Title     string
	Simulator *struct {
		Vendor             string
		Assets, WorkOrders int
	}
	Steps []struct {
		Call   string
		Input  json.RawMessage
		Bind   map[string]string
		Answer any
		Error  map[string]any
	}
}

func scripts(t *testing.T) map[string]script {
	paths, err := filepath.Glob("../api/vectors/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatal("no scripts", err)
	}
	all := map[string]script{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text = bytes.ReplaceAll(text, []byte(`"work_orders": `), []byte(`"WorkOrders": `))
		var s script
		if err := json.Unmarshal(text, &s); err != nil {
			t.Fatal(path, err)
		}
		all[strings.TrimSuffix(filepath.Base(path), ".json")] = s
	}
	return all
}

// program is the command cmms, which the test command has built.
func program() string {
	target := os.Getenv("CARGO_TARGET_DIR")
	if target == "" {
		target = "../target"
	}
	return filepath.Join(target, "debug", "cmms")
}

// simulate starts a simulated vendor and says where it is.
func simulate(t *testing.T, vendor string, args ...string) string {
	t.Helper()
	command := exec.Command(program(), append([]string{"simulate", vendor, "--port", "0"}, args...)...)
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if address, found := strings.CutPrefix(strings.TrimSpace(lines.Text()), "address"); found {
			return strings.TrimSpace(address)
		}
	}
	t.Fatal("the simulator says no address")
	return ""
}

func postgres(t *testing.T) string {
	base := os.Getenv("CMMS_TEST_POSTGRES")
	if base == "" {
		t.Fatal("CMMS_TEST_POSTGRES is not set: run `cargo xtask test`, or `cargo xtask postgres` beside this and set what it prints")
	}
	url := fmt.Sprintf("%s?schema=g%d", base, time.Now().UnixNano())
	if out, err := exec.Command(program(), "migrate", "up", "--database-url", url).CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	return url
}

func TestMain(m *testing.M) {
	os.Setenv("USER", "tester")
	os.Setenv("CMMS_MASTER_KEY", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
	os.Exit(m.Run())
}

func TestScriptsHaveTheirAnswers(t *testing.T) {
	for name, s := range scripts(t) {
		for engine, url := range map[string]func() string{
			"sqlite":   func() string { return "sqlite://" + filepath.Join(t.TempDir(), "cmms.db") },
			"postgres": func() string { return postgres(t) },
		} {
			t.Run(name+"/"+engine, func(t *testing.T) { run(t, s, url()) })
		}
	}
}

func run(t *testing.T, s script, url string) {
	bound := map[string]string{}
	options := Options{}
	if s.Simulator != nil {
		address := simulate(t, s.Simulator.Vendor, "--assets", strconv.Itoa(s.Simulator.Assets),
			"--work-orders", strconv.Itoa(s.Simulator.WorkOrders))
		bound["simulator"] = address
		options.Settings = map[string]string{"CMMS_EGRESS_ALLOW": address}
	}
	client, err := Open(url, options)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for n, step := range s.Steps {
		where := fmt.Sprintf("step %d, %s", n, step.Call)
		input := regexp.MustCompile(`"\$(\w+)"`).ReplaceAllStringFunc(string(step.Input), func(name string) string {
			return strconv.Quote(bound[name[2:len(name)-1]])
		})
		answer, err := invoke(client, step.Call, []byte(input))
		if err != nil {
			var problem *Error
			if !errors.As(err, &problem) {
				t.Fatal(where, err)
			}
			found := map[string]any{"code": problem.Code, "reason": problem.Reason, "status": float64(problem.Status)}
			if problem.Field != "" {
				found["field"] = problem.Field
			}
			if !reflect.DeepEqual(found, step.Error) {
				t.Fatalf("%s: expected %v, found %v", where, step.Error, err)
			}
			continue
		}
		for name, pointer := range step.Bind {
			bound[name] = pointed(answer, pointer)
		}
		if differ := differences("", step.Answer, answer, bound); len(differ) > 0 {
			t.Fatalf("%s:\n%s", where, strings.Join(differ, "\n"))
		}
	}
}

// invoke calls a generated method and gives its typed answer as JSON.
func invoke(client *Client, operation string, input []byte) (any, error) {
	group, verb, _ := strings.Cut(operation, ".")
	method := reflect.ValueOf(client.groups).FieldByName(name(group)).MethodByName(name(verb))
	in := reflect.New(method.Type().In(1))
	if in.Elem().Kind() == reflect.Struct {
		decoder := json.NewDecoder(bytes.NewReader(input))
		// A field that the types do not have would be left out unseen.
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(in.Interface()); err != nil {
			return nil, err
		}
	} else {
		var only map[string]string
		if err := json.Unmarshal(input, &only); err != nil || len(only) != 1 {
			return nil, fmt.Errorf("one argument: %s %v", input, err)
		}
		for _, value := range only {
			in.Elem().SetString(value)
		}
	}
	out := method.Call([]reflect.Value{reflect.ValueOf(context.Background()), in.Elem()})
	if err, _ := out[1].Interface().(error); err != nil {
		return nil, err
	}
	text, err := json.Marshal(out[0].Interface())
	if err != nil {
		return nil, err
	}
	var answer any
	return answer, json.Unmarshal(text, &answer)
}

// name is work_orders as WorkOrders.
func name(text string) string {
	var out strings.Builder
	for part := range strings.SplitSeq(text, "_") {
		out.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return out.String()
}

func pointed(answer any, pointer string) string {
	for part := range strings.SplitSeq(strings.Trim(pointer, "/"), "/") {
		switch of := answer.(type) {
		case []any:
			n, _ := strconv.Atoi(part)
			answer = of[n]
		case map[string]any:
			answer = of[part]
		}
	}
	return answer.(string)
}

var (
	isID     = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	isNumber = regexp.MustCompile(`^WO-\d{8}-\d{4,}$`)
)

func same(expected, found string, bound map[string]string) bool {
	switch expected {
	case "<text>":
		return true
	case "<id>":
		return isID.MatchString(found)
	case "<number>":
		return isNumber.MatchString(found)
	case "<actor>":
		return strings.HasPrefix(found, "local-process:")
	case "<time>":
		_, err := time.Parse(time.RFC3339, found)
		return err == nil
	}
	if bare, is := strings.CutPrefix(expected, "$"); is {
		return bound[bare] == found
	}
	if expected == found {
		return true
	}
	// Go writes a time without the zeros at its end.
	a, first := time.Parse(time.RFC3339, expected)
	b, second := time.Parse(time.RFC3339, found)
	return first == nil && second == nil && a.Equal(b)
}

func differences(at string, expected, found any, bound map[string]string) []string {
	switch e := expected.(type) {
	case map[string]any:
		if f, is := found.(map[string]any); is {
			var all []string
			names := slices.Sorted(maps.Keys(e))
			for name := range f {
				if _, known := e[name]; !known {
					names = append(names, name)
				}
			}
			for _, name := range names {
				all = append(all, differences(at+"/"+name, e[name], f[name], bound)...)
			}
			return all
		}
	case []any:
		if f, is := found.([]any); is && len(e) == len(f) {
			var all []string
			for n := range e {
				all = append(all, differences(fmt.Sprintf("%s/%d", at, n), e[n], f[n], bound)...)
			}
			return all
		}
	case string:
		if f, is := found.(string); is && same(e, f, bound) {
			return nil
		}
	default:
		if reflect.DeepEqual(expected, found) {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s: expected %v, found %v", at, expected, found)}
}

func TestEveryOperationIsInAScript(t *testing.T) {
	called := map[string]bool{}
	for _, s := range scripts(t) {
		for _, step := range s.Steps {
			called[step.Call] = true
		}
	}
	for _, operation := range operations {
		if !called[operation] {
			t.Errorf("no script calls %s", operation)
		}
	}
}

func TestTwinWhatDiffersIsFound(t *testing.T) {
	if d := differences("", map[string]any{"a": "<text>", "n": 1.0}, map[string]any{"a": "x", "n": 2.0, "m": 1.0}, nil); len(d) != 2 {
		t.Fatal(d)
	}
}

func TestTheDemosStoreListsTheSameAsTheCommand(t *testing.T) {
	folder := t.TempDir()
	absolute, err := filepath.Abs(program())
	if err != nil {
		t.Fatal(err)
	}
	command := func(args ...string) []byte {
		c := exec.Command(absolute, args...)
		c.Dir = folder
		c.Env = append(os.Environ(), "HOME="+folder)
		out, err := c.Output()
		if err != nil {
			t.Fatal(args, err)
		}
		return out
	}
	command("demo", "--no-serve")
	url := "sqlite://" + filepath.Join(folder, "cmms-demo.db")
	client, err := Open(url)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	count := 0
	for cursor := "null"; ; {
		var page Page[any]
		input := fmt.Sprintf(`{"limit": 500, "cursor": %s}`, cursor)
		if err := json.Unmarshal(command("op", "work_orders.list", input, "--database-url", url), &page); err != nil {
			t.Fatal(err)
		}
		answer, err := invoke(client, "work_orders.list", []byte(input))
		if err != nil {
			t.Fatal(err)
		}
		if d := differences("", page.Items, answer.(map[string]any)["items"], nil); len(d) > 0 {
			t.Fatal(strings.Join(d[:1], "\n"))
		}
		count += len(page.Items)
		if page.Next == nil {
			break
		}
		cursor = strconv.Quote(*page.Next)
	}
	if count < 1000 {
		t.Fatal(count)
	}
}
