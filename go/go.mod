module cmms

go 1.24
