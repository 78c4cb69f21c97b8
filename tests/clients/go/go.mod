module conformance

go 1.19

require sidemeter v0.0.0

replace sidemeter => ../../../client/go
