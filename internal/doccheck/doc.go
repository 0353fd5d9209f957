// Package doccheck holds the test of the pages: links lead somewhere, and
// nothing was left to be filled in. It has no other code.
package doccheck
