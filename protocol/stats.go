package protocol

// Stats counts what has been carried since the service began. A payment is
// counted as often as it came.
type Stats struct {
	// BlocksRebuilt are announced blocks made of the announcement and our pool
	// alone, BlocksCompleted those of which some transactions were fetched:
	// BlockTxsFetched in all, of BlockTxBytes bytes.
	BlocksRebuilt, BlocksCompleted int
	BlockTxsFetched, BlockTxBytes  int
	// BlocksFetched came whole from peers that were asked, of BlockBytes bytes.
	BlocksFetched, BlockBytes int

	// TxBatchesReceived came by gossip, each once, of TxBytesReceived bytes, of
	// which TxBatchesDropped were given up unread: a peer, or all, sent too much.
	TxBatchesReceived, TxBytesReceived, TxBatchesDropped int
	// TxBatchesPublished are ours, of TxsPublished payments and TxBytesPublished
	// bytes.
	TxBatchesPublished, TxsPublished, TxBytesPublished int
	// TxsFetched were asked for, as parents or by comparing pools.
	TxsFetched int
	// TxsTaken came from peers in either way and were taken into the pool.
	TxsTaken int
}

// Stats returns the counts so far.
func (s *Service) Stats() Stats {
	s.statsMu.Lock()
	defer s.statsMu.Unlock()
	return s.stats
}

func (s *Service) count(change func(*Stats)) {
	s.statsMu.Lock()
	defer s.statsMu.Unlock()
	change(&s.stats)
}
