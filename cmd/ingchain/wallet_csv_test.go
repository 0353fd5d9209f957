package main

import "testing"

func TestACellIsNoFormula(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "rent": "rent", "밥": "밥", "a=b": "a=b",
		"=HYPERLINK(1)": "'=HYPERLINK(1)", "+1": "'+1", "-1": "'-1", "@SUM": "'@SUM",
		"＝1": "'＝1", "＋1": "'＋1", "－1": "'－1", "＠SUM": "'＠SUM",
	} {
		if got := cell(text); got != want {
			t.Errorf("cell(%q) = %q, want %q", text, got, want)
		}
	}
}
