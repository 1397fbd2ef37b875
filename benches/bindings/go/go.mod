module bench

go 1.24

require (
	cmms v0.0.0
	github.com/mattn/go-sqlite3 v1.14.32
)

replace cmms => ../../../go
