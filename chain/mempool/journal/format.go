package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/ingchain/ingchain/core"
)

const (
	// MaxTxBytes bounds the transaction of a record, in bytes: no network allows
	// a longer one.
	MaxTxBytes = core.MaxBlockBytesLimit

	// RecordBytes is what a record takes in the file beside its transaction, in
	// bytes.
	RecordBytes = frameSize + metaSize

	headerSize = 8 + core.HashSize + 4 // bytes
	frameSize  = 4 + 4 + 4             // bytes of a record before flags: mark, length, checksum
	metaSize   = 1 + 8                 // bytes of flags and time
	// salvageFactor bounds the work of reading a damaged file: bytes that are
	// summed in vain, as a multiple of its size.
	salvageFactor = 4

	flagAcknowledged = 1
)

var (
	magic    = []byte("ingtxs\x00\x01")
	mark     = []byte("\xf7TX\n")
	checksum = crc32.MakeTable(crc32.Castagnoli)
)

// Errors of files that are not read. Neither is touched.
var (
	// ErrFormat: the file is no journal, or its first bytes are damaged.
	ErrFormat = errors.New("not a journal of payments")
	// ErrGenesis: the journal is another network's.
	ErrGenesis = errors.New("journal of another network")
)

// Record is a payment in the journal.
type Record struct {
	// Time is when it came, in Unix milliseconds.
	Time uint64
	// Acknowledged says that somebody was told that it is kept.
	Acknowledged bool
	// Tx is the encoding of the transaction.
	Tx []byte
}

// Loaded is what a journal held.
type Loaded struct {
	// Records are in the order in which they were written; a payment may be there
	// several times.
	Records []Record
	// Torn is how many bytes at the end are no whole record: what was being
	// written when the node stopped.
	Torn int64
	// Damaged is how many bytes in the midst are no record: the disk lost them.
	Damaged int64
}

// appendHeader begins a file.
func appendHeader(b []byte, genesis core.Hash) []byte {
	first := len(b)
	b = append(b, magic...)
	b = append(b, genesis[:]...)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[first:], checksum))
}

// appendRecord appends one record.
func appendRecord(b []byte, r *Record) ([]byte, error) {
	if len(r.Tx) == 0 || len(r.Tx) > MaxTxBytes {
		return b, fmt.Errorf("a payment of %d bytes, want 1 to %d", len(r.Tx), MaxTxBytes)
	}
	first := len(b)
	b = append(b, mark...)
	b = binary.LittleEndian.AppendUint32(b, uint32(metaSize+len(r.Tx)))
	b = append(b, 0, 0, 0, 0) // the checksum, once all of it is there
	flags := byte(0)
	if r.Acknowledged {
		flags = flagAcknowledged
	}
	b = binary.LittleEndian.AppendUint64(append(b, flags), r.Time)
	b = append(b, r.Tx...)
	binary.LittleEndian.PutUint32(b[first+8:], recordSum(b[first:]))
	return b, nil
}

// recordSum is the checksum of a whole record.
func recordSum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[4:8], checksum), checksum, b[frameSize:])
}

// Parse reads the bytes of a journal. The records keep parts of b.
func Parse(b []byte, genesis core.Hash) (Loaded, error) {
	body, err := parseHeader(b, genesis)
	if err != nil {
		return Loaded{}, err
	}
	var out Loaded
	budget := salvageFactor * len(body)
	for lost := 0; len(body) > 0; {
		r, size, work := parseRecord(body)
		if size == 0 {
			if budget -= work; budget < 0 {
				out.Torn = int64(lost + len(body))
				break
			}
			next := bytes.Index(body[1:], mark)
			if next < 0 {
				out.Torn = int64(lost + len(body))
				break
			}
			lost += next + 1
			body = body[next+1:]
			continue
		}
		out.Damaged += int64(lost)
		lost = 0
		out.Records = append(out.Records, r)
		body = body[size:]
	}
	return out, nil
}

func parseHeader(b []byte, genesis core.Hash) (body []byte, err error) {
	if len(b) < headerSize || !bytes.HasPrefix(b, magic) {
		return nil, fmt.Errorf("%w: it does not begin as one", ErrFormat)
	}
	sum := binary.LittleEndian.Uint32(b[headerSize-4:])
	if crc32.Checksum(b[:headerSize-4], checksum) != sum {
		return nil, fmt.Errorf("%w: its first %d bytes are damaged", ErrFormat, headerSize)
	}
	if got := core.Hash(b[len(magic) : len(magic)+core.HashSize]); got != genesis {
		return nil, fmt.Errorf("%w: its genesis is %s, ours is %s", ErrGenesis, got, genesis)
	}
	return b[headerSize:], nil
}

// parseRecord reads the record at the beginning of b, if there is a whole one;
// else its size is 0. Work is how many bytes were summed.
func parseRecord(b []byte) (r Record, size, work int) {
	if len(b) < frameSize || !bytes.HasPrefix(b, mark) {
		return Record{}, 0, 0
	}
	length := binary.LittleEndian.Uint32(b[4:])
	if length <= metaSize || length > metaSize+MaxTxBytes || int64(length) > int64(len(b)-frameSize) {
		return Record{}, 0, 0
	}
	payload := b[frameSize : frameSize+int(length)]
	if recordSum(b[:frameSize+int(length)]) != binary.LittleEndian.Uint32(b[8:]) || payload[0]&^flagAcknowledged != 0 {
		return Record{}, 0, len(payload)
	}
	r = Record{Time: binary.LittleEndian.Uint64(payload[1:]), Acknowledged: payload[0] == flagAcknowledged, Tx: payload[metaSize:]}
	return r, frameSize + int(length), len(payload)
}
