package warble

// Page asks for one page of a list that is ordered newest first. Positions
// are ids, never offsets, so a walk while things change gives every item that
// existed throughout exactly once.
type Page struct {
	Before ID  // only items below this id; zero: no bound
	After  ID  // only items above this id; zero: no bound
	Limit  int // at most so many; zero or less: the callee's default
	// Oldest walks upwards: the oldest items above After first. The answer is
	// still newest first.
	Oldest bool
}

// Has says whether an item at id lies inside the page's bounds.
func (p Page) Has(id ID) bool {
	return (p.Before == 0 || id < p.Before) && id > p.After
}

// Upper is Before with "no bound" spelled out.
func (p Page) Upper() ID {
	if p.Before == 0 {
		return MaxID
	}
	return p.Before
}
