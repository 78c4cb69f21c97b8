module sidemeter

go 1.19
