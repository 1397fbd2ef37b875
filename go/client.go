package cmms

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
)

// Client is an open database. Any number of goroutines may use it.
type Client struct {
	groups
	caller *caller
}

// Options are what a client is opened with, beside the database.
type Options struct {
	// Organization is the one to work in; empty: "default".
	Organization string

	// Settings count before those of the environment and have the same names, such as CMMS_EGRESS_ALLOW.
	Settings map[string]string
}

// Open opens a database: sqlite://cmms.db is a file, made at the first use; postgres://… a server. Without a URL it is what
// CMMS_DATABASE_URL says, else sqlite://cmms.db.
func Open(url string, options ...Options) (*Client, error) {
	config := map[string]any{"abi": abi, "operations": operations}
	if url != "" {
		config["url"] = url
	}
	for _, o := range options {
		if o.Organization != "" {
			config["organization"] = o.Organization
		}
		if o.Settings != nil {
			config["settings"] = o.Settings
		}
	}
	text, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	c, err := open(text)
	if err != nil {
		return nil, err
	}
	return &Client{newGroups(c), c}, nil
}

// Close ends calls and runs at their next safe point. Twice is once.
func (c *Client) Close() error {
	return c.caller.close()
}

// Call calls an operation by name, also one that this package does not know, with any input that is a JSON object, and
// reads the answer into out.
func (c *Client) Call(ctx context.Context, operation string, in, out any) error {
	return c.caller.call(ctx, operation, in, out)
}

// WithIdempotencyKey is a context whose calls are done once, however often they are repeated with this key within a day.
func WithIdempotencyKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, keyOfCalls{}, key)
}

type keyOfCalls struct{}

func call[T any](ctx context.Context, c *caller, operation string, in any) (*T, error) {
	out := new(T)
	if err := c.call(ctx, operation, in, out); err != nil {
		return nil, err
	}
	return out, nil
}

// Page is a page of a list.
type Page[T any] struct {
	// Items are the records of the page.
	Items []T `json:"items"`

	// Next is the cursor of the next page; nil: this is the last.
	Next *string `json:"next"`
}

// usual is the size of a page that nobody asked for.
const usual = 50

// pages goes through all pages of a list, up to so many items.
func pages[T any](limit Opt[int64], page func(cursor Opt[string], limit Opt[int64]) (*Page[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var cursor Opt[string]
		left, limited := limit.Get()
		for {
			var size Opt[int64]
			if limited && left < usual {
				size = Some(left)
			}
			p, err := page(cursor, size)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range p.Items {
				if !yield(item, nil) {
					return
				}
				left--
			}
			if p.Next == nil || limited && left == 0 {
				return
			}
			cursor = Some(*p.Next)
		}
	}
}

// encode writes an input.
func encode(operation string, in any) ([]byte, error) {
	text, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("cmms: the input of %s cannot be written: %w", operation, err)
	}
	return text, nil
}
