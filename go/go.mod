module arxos.com/cmms

go 1.24
