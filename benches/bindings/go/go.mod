module bench

go 1.24

require (
	arxos.com/cmms v0.0.0
	github.com/mattn/go-sqlite3 v1.14.32
)

replace arxos.com/cmms => ../../../go
