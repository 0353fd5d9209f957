package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ingchain/ingchain/core"
)

// csvHead names the columns; their order is for scripts to rely on.
var csvHead = []string{"time", "status", "confirmations", "height", "amount", "fee", "net", "with", "labels", "id", "txid", "watched"}

// writeHistoryCSV prints payments as RFC 4180 has it. The amount is what came in
// or went out, the net what the payment did to the balance: the fee is in it if we
// paid it.
func writeHistoryCSV(out io.Writer, rows []historyRow) error {
	w := csv.NewWriter(out)
	records := [][]string{csvHead}
	for _, r := range rows {
		fee, height := "0", ""
		if r.FeeOurs && r.Fee > 0 {
			fee = "-" + r.Fee.String()
		}
		if r.Height > 0 {
			height = strconv.FormatUint(uint64(r.Height), 10)
		}
		with := strings.Join(append(append([]string{}, r.To...), r.From...), " ")
		if r.Coinbase {
			with = "mined"
		}
		records = append(records, []string{time.UnixMilli(int64(r.Time)).UTC().Format(time.RFC3339), string(r.Status),
			strconv.FormatUint(uint64(r.Confirmations), 10), height, plain(int64(r.In) - int64(r.Out)), fee, plain(r.Net),
			with, cell(strings.Join(r.Labels, ", ")), cell(r.ID), r.TxID.String(), map[bool]string{true: "watched"}[r.Watched]})
	}
	if err := w.WriteAll(records); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return nil
}

// plain words an amount with its sign, if it is negative.
func plain(grains int64) string {
	if grains < 0 {
		return "-" + core.Amount(-grains).String()
	}
	return core.Amount(grains).String()
}

// formulaSigns begin formulas; some spreadsheets take the wide forms, which East
// Asian keyboards type, for the same.
const formulaSigns = "=+-@＝＋－＠"

// cell keeps a spreadsheet from taking text for a formula.
func cell(s string) string {
	if first, _ := utf8.DecodeRuneInString(s); s != "" && strings.ContainsRune(formulaSigns, first) {
		return "'" + s
	}
	return s
}
