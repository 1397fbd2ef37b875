module examples

go 1.24

require cmms v0.0.0

replace cmms => ../../go
