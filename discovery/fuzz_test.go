package discovery

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/ingchain/ingchain/internal/fuzzing"
)

const (
	fuzzGenesis = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
	// memoryFactor is how many bytes of memory a record or a list may take per
	// byte of it; multiaddrs are dear.
	memoryFactor = 512
)

// fuzzPeer is the peer of a fixed key.
func fuzzPeer(tb testing.TB, n int) peer.ID {
	tb.Helper()
	_, pub, err := crypto.GenerateEd25519Key(bytes.NewReader(bytes.Repeat([]byte{byte(n), byte(n >> 8)}, 32)))
	if err != nil {
		tb.Fatal(err)
	}
	id, err := peer.IDFromPublicKey(pub)
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

// FuzzParseTXT reads records of strangers, one string a line. What is accepted
// names one network, one peer, and addresses that can be dialled, few enough; the
// record that a node makes of them is read the same.
func FuzzParseTXT(f *testing.F) {
	a, b := fuzzPeer(f, 1).String(), fuzzPeer(f, 2).String()
	f.Add("genesis="+fuzzGenesis+"\ndnsaddr=/ip4/10.0.0.1/tcp/1/p2p/"+a, true)
	f.Add("dnsaddr=/p2p/x", false)
	f.Add("genesis="+fuzzGenesis+"\nagent=x\ndnsaddr=/ip6/fd00::1/udp/1/quic-v1/p2p/"+a+"\ndnsaddr=/ip4/10.0.0.1/tcp/1/p2p/"+b, false)
	f.Add("genesis="+fuzzGenesis+"\ndnsaddr=/ip4/127.0.0.1/tcp/1/p2p/"+a+"\ndnsaddr=/ip6/fe80::1/tcp/1/p2p/"+a, false)
	f.Add("genesis="+strings.ToUpper(fuzzGenesis)+"\ndnsaddr=/dns4/localhost/tcp/1/p2p/"+a, false)
	f.Fuzz(func(t *testing.T, lines string, same bool) {
		txt := strings.Split(lines, "\n")
		var found Found
		var err error
		fuzzing.Proportional(t, len(lines), memoryFactor, func() { found, err = parseTXT(txt, same) })
		if err != nil {
			return
		}
		if found.Peer.Validate() != nil || len(found.Genesis) != genesisDigits || strings.Trim(found.Genesis, "0123456789abcdef") != "" {
			t.Fatalf("accepted %+v", found)
		}
		if len(found.Addrs) == 0 || len(found.Addrs) > maxAddrs {
			t.Fatalf("%d addresses", len(found.Addrs))
		}
		var full []ma.Multiaddr
		for _, addr := range found.Addrs {
			if !dialable(addr.String(), same) {
				t.Fatalf("address %s", addr)
			}
			full = append(full, addr.Encapsulate(ma.StringCast("/p2p/"+found.Peer.String())))
		}
		for _, str := range txt[:min(len(txt), maxTXTStrings)] {
			if value, ok := strings.CutPrefix(str, "dnsaddr="); ok && len(str) <= 255 {
				if _, p, err := parseAddr(value); err == nil && p != found.Peer {
					t.Fatalf("%q names %s and %s", lines, p, found.Peer)
				}
			}
		}
		back, err := parseTXT(encodeTXT(found.Genesis, "agent", full), same)
		if err != nil || back.Peer != found.Peer || back.Genesis != found.Genesis || !slices.EqualFunc(back.Addrs, found.Addrs[:len(back.Addrs)], ma.Multiaddr.Equal) {
			t.Fatalf("%+v is read back as %+v: %v", found, back, err)
		}
	})
}

// dialable says what an advertised address looks like.
func dialable(addr string, loopback bool) bool {
	f := strings.Split(addr, "/") // "", "ip4", IP, "tcp", port
	if len(f) < 5 || f[1] != "ip4" && f[1] != "ip6" {
		return false
	}
	ip, err := netip.ParseAddr(f[2])
	transport := len(f) == 5 && f[3] == "tcp" || len(f) == 6 && f[3] == "udp" && f[5] == "quic-v1"
	return err == nil && transport && !ip.IsUnspecified() && (!ip.IsLinkLocalUnicast() || ip.Is4()) && (loopback || !ip.IsLoopback())
}

// FuzzEncodeTXT: a record fits its packet, whatever a node calls itself and
// however many addresses it has.
func FuzzEncodeTXT(f *testing.F) {
	p := fuzzPeer(f, 1)
	f.Add("ingchain/1", []byte{1, 2, 3})
	f.Add("\x00\"\\é"+strings.Repeat("x", 300), bytes.Repeat([]byte{200, 1}, 60))
	f.Fuzz(func(t *testing.T, agent string, picks []byte) {
		s := fuzzing.New(picks)
		var addrs []ma.Multiaddr
		for n := 0; !s.Empty() && n < 100; n++ {
			addr := ma.StringCast(fuzzing.Of(s, "/ip4/10.1.2.3/tcp/8555", "/ip4/10.1.2.4/udp/8555/quic-v1", "/ip6/fd00::7/tcp/8555", "/ip4/10.1.2.3/tcp/8556/ws", "/ip6/fe80::1/tcp/1", "/ip4/0.0.0.0/tcp/1"))
			addrs = append(addrs, addr.Encapsulate(ma.StringCast("/p2p/"+p.String())))
		}
		txt := encodeTXT(fuzzGenesis, agent, addrs)
		size := 0
		for _, str := range txt {
			size += len(str) + 1
			if len(str) > maxTXTString || strings.IndexFunc(str, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) >= 0 {
				t.Fatalf("string %q", str)
			}
		}
		if size > maxTXTBytes || len(txt) > maxTXTStrings {
			t.Fatalf("%d bytes in %d strings", size, len(txt))
		}
		usable := slices.ContainsFunc(addrs, func(a ma.Multiaddr) bool { plain, _ := peer.SplitAddr(a); return advertised(plain) })
		if found, err := parseTXT(txt, true); (err == nil) != usable || err == nil && found.Peer != p {
			t.Fatalf("%q is read as %+v: %v", txt, found, err)
		}
	})
}

// FuzzParseSaved reads the file of saved peers, damaged or made by hand.
func FuzzParseSaved(f *testing.F) {
	for _, n := range []int{0, 1, 3, maxSaved + 2} {
		var list []savedPeer
		for i := range n {
			list = append(list, savedPeer{ID: fuzzPeer(f, i), Genesis: fuzzGenesis, LastSeen: time.Unix(int64(i), 0), Addrs: []string{"/ip4/10.0.0.1/tcp/1"}})
		}
		raw, err := json.Marshal(map[string]any{"peers": list})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(`{"peers":[{"id":""},{"id":"x"},null,{"addrs":[null,"/ip4"]}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var list savedList
		var err error
		fuzzing.Proportional(t, len(raw), memoryFactor, func() { list, err = parseSaved(raw) })
		if err != nil {
			return
		}
		if len(list) > maxSaved {
			t.Fatalf("%d peers", len(list))
		}
		seen := map[peer.ID]bool{}
		for _, s := range list {
			if s.ID.Validate() != nil || seen[s.ID] || len(s.addrs()) > maxAddrs {
				t.Fatalf("peer %q twice %v with %d addresses", s.ID, seen[s.ID], len(s.addrs()))
			}
			seen[s.ID] = true
		}
		again, err := json.Marshal(map[string]any{"peers": list})
		if err != nil {
			t.Fatal(err)
		}
		back, err := parseSaved(again)
		if err != nil || !slices.EqualFunc(back, list, func(a, b savedPeer) bool {
			return a.ID == b.ID && a.Genesis == b.Genesis && a.LastSeen.Equal(b.LastSeen) && slices.Equal(a.Addrs, b.Addrs)
		}) {
			t.Fatalf("%s is read back as %v: %v", again, back, err)
		}
	})
}

// FuzzParsePeers: an address given by hand names who and where, and is read as
// one that mDNS brought.
func FuzzParsePeers(f *testing.F) {
	p := fuzzPeer(f, 1).String()
	for _, s := range []string{"/ip4/192.168.1.7/tcp/8555/p2p/" + p, "/p2p/" + p, "/ip4/10.0.0.1/tcp/1", "/dns4/a/tcp/1/ws/p2p/" + p, "/ip4/10.0.0.1/tcp/1/p2p/" + p + "/p2p-circuit/p2p/" + p, "/ip6zone/x/ip6/fe80::1/tcp/1/p2p/" + p} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		infos, err := ParsePeers([]string{s, s})
		addr, id, addrErr := parseAddr(s)
		if err != nil {
			if addrErr == nil {
				t.Fatalf("%q: by hand %v, from the network it is %s of %s", s, err, addr, id)
			}
			return
		}
		if len(infos) != 1 || infos[0].ID.Validate() != nil || len(infos[0].Addrs) != 2 || addrErr != nil || id != infos[0].ID || !addr.Equal(infos[0].Addrs[0]) {
			t.Fatalf("%q is %v, and from the network %s of %s, %v", s, infos, addr, id, addrErr)
		}
	})
}
