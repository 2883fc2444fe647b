package nemesis

import "math/bits"

// drawPartition aims half of the isolations at a leader: a deposed leader that clients still reach is what shows stale
// reads. The placement driver is mostly on the other side then, where the new leader is.
func drawPartition(d *drawer) Fault {
	if d.stores > 2 && d.rng.IntN(4) == 0 {
		return drawShape(d)
	}
	f := Partition{Second: Whom{Kind: WhomRest}, Clients: SideBoth}
	switch d.weighted([]float64{5, 3, 2}) {
	case 0:
		switch d.weighted([]float64{3, 2, 1}) {
		case 0:
			f.First = Leader(d.region())
		case 1:
			f.First = d.store()
		case 2:
			f.First = Whom{Kind: WhomMajority, N: d.region()}
		}
	case 1:
		f.First = Stores(d.mask(d.stores))
	case 2:
		f.OneWay = true
		switch d.rng.IntN(3) {
		case 0:
			f.First = Leader(d.region())
		case 1:
			f.First, f.Second = Whom{Kind: WhomRest}, Leader(d.region())
		case 2:
			m := d.mask(d.stores)
			f.First, f.Second = Stores(m), Stores(^m&(1<<d.stores-1))
		}
	}
	f.PD = []Side{SideOut, SideIn, SideBoth}[d.weighted([]float64{4, 2, 2})]
	if d.rng.IntN(4) == 0 {
		f.Clients = Side{In: d.mask(d.opts.Clients)}
		if bits.OnesCount64(f.Clients.In) == d.opts.Clients {
			f.Clients = SideIn
		}
	}
	return f
}

func drawKill(d *drawer) Fault {
	if d.downMax() == 0 {
		return Kill{Whom{Kind: WhomAll}}
	}
	switch d.weighted([]float64{3, 2, 1, 2}) {
	case 0:
		return Kill{Leader(d.region())}
	case 1:
		return Kill{d.store()}
	case 2:
		return Kill{Whom{Kind: WhomAny, N: d.ordinal()}}
	default:
		return Kill{Whom{Kind: WhomAll}}
	}
}

func drawTransferLeader(d *drawer) Fault {
	return TransferLeader{Region: d.region(), To: d.ordinal()}
}

func drawConfChange(d *drawer) Fault {
	f := ConfChange{Kind: AddReplica + ConfChangeKind(d.rng.IntN(3)), Region: d.region()}
	if f.Kind != AddReplica {
		f.From = d.ordinal()
	}
	if f.Kind != RemoveReplica {
		f.To = d.ordinal()
	}
	return f
}

// jointSwapsMax and batchKeysMax bound what is drawn. One region of three replicas on five stores has room for two swaps.
const jointSwapsMax, batchKeysMax = 2, 5

// drawJoint lets half of the changes be left by themselves, and kills one leader in three.
func drawJoint(d *drawer) Fault {
	f := Joint{Region: d.region(), From: d.ordinal(), To: d.ordinal(), Swaps: 1 + d.rng.Uint64N(jointSwapsMax)}
	f.Explicit = d.rng.IntN(2) == 0
	f.Kill = d.rng.IntN(3) == 0 && d.downMax() > 0
	return f
}

func drawLearner(d *drawer) Fault {
	end := learnerWords[d.rng.IntN(len(learnerWords))].end
	return Learner{Region: d.region(), On: d.ordinal(), End: end}
}

func drawReplace(d *drawer) Fault {
	return Replace{Region: d.region(), From: d.ordinal(), To: d.ordinal(), Joint: d.rng.IntN(2) == 0}
}

func drawBatchSplit(d *drawer) Fault {
	keys := batchSplitMin + d.rng.Uint64N(batchKeysMax-batchSplitMin+1)
	return BatchSplit{Region: d.region(), Keys: keys, Right: d.rng.IntN(2) == 0}
}

func drawSplit(d *drawer) Fault { return Split{Region: d.region()} }

func drawMerge(d *drawer) Fault {
	f := Merge{Region: d.region(), Right: d.rng.IntN(2) == 0}
	if d.rng.IntN(2) == 0 {
		f.Race = RaceSplit + Race(d.rng.IntN(3))
	}
	return f
}

func drawKillPD(d *drawer) Fault { return KillPD{d.member(3, 2, 1)} }

// member draws whom of the placement driver a fault strikes. A driver of one member is always all of it.
func (d *drawer) member(leader, one, all float64) PDWhom {
	if d.opts.PDs < 2 {
		return PDWhom{}
	}
	switch d.weighted([]float64{leader, one, all}) {
	case 0:
		return PDWhom{Kind: PDLeader}
	case 1:
		return PDWhom{Kind: PDAny, N: d.ordinal()}
	}
	return PDWhom{}
}

// drawPDPartition mostly cuts a leader off from the other members: it is deposed, and clients and some stores go on asking it.
func drawPDPartition(d *drawer) Fault {
	f := PDPartition{Whom: d.member(4, 2, 1)}
	f.Members = d.opts.PDs > 1 && d.rng.IntN(4) > 0
	if !f.Members || d.rng.IntN(2) == 0 {
		f.Stores = d.mask(d.stores)
	}
	f.OneWay = d.rng.IntN(4) == 0
	return f
}

func drawTransferPD(d *drawer) Fault { return TransferPD{To: d.ordinal()} }
