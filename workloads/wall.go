package workloads

import "time"

// wallClock measures how long a run takes for us. Nothing in the run can see it.
type wallClock struct{ began time.Time }

func startWall() wallClock { return wallClock{time.Now()} }

func (c wallClock) seconds() float64 { return time.Since(c.began).Seconds() }
