// Command mutation changes the rules one small step at a time and asks of each
// change whether a test notices. The changes are generated from the syntax
// trees of the packages, so that nobody chooses what is easy:
//
//	go run ./internal/mutation                         # everything
//	go run ./internal/mutation -run 'check.go|connect.go'
//	go run ./internal/mutation -n 150 -seed 7          # a sample
//	go run ./internal/mutation -list -run 'retarget.go'
//
// It prints each mutant that survives, and the score, and exits with status 1
// when one survives that equivalent.txt does not list with a reason why it
// changes nothing.
//
// Nearly all mutants live in one build: the sources are rewritten so that an
// integer from the environment, read once at start, switches each mutation
// (schema.go); the test binaries are built once and run once for each mutant.
// Mutants that cannot be switched at run time, of constant declarations, are
// built one by one. A change that does not compile is not a mutant.
//
// What the mutations are stands in operators.go; finder.go walks the source,
// expressions.go and statements.go make them. It is a tool for tests and
// reads nothing but the checkout. Start with run in main.go.
package main
