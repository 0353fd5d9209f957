//go:build !unix

package load

import "time"

// cpuTime is not measured here; reports say 0.
func cpuTime() time.Duration { return 0 }
