module examples

go 1.24

require arxos.com/cmms v0.0.0

replace arxos.com/cmms => ../../go
