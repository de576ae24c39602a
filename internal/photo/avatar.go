package photo

import (
	"math"
	"math/rand/v2"
)

// shape is a signed distance: negative inside, zero on the outline. Avatars
// are drawn in a square from (-1, -1), top left, to (1, 1).
type shape func(x, y float64) float64

func circle(cx, cy, r float64) shape {
	return func(x, y float64) float64 { return math.Hypot(x-cx, y-cy) - r }
}

// ellipse is exact on its outline, near enough beside it.
func ellipse(cx, cy, rx, ry float64) shape {
	return func(x, y float64) float64 {
		dx, dy := (x-cx)/rx, (y-cy)/ry
		d := math.Hypot(dx, dy)
		slope := math.Hypot(dx/rx, dy/ry)
		if slope == 0 {
			return -min(rx, ry)
		}
		return d * (d - 1) / slope
	}
}

// box has corners rounded by r.
func box(cx, cy, hw, hh, r float64) shape {
	return func(x, y float64) float64 {
		dx, dy := math.Abs(x-cx)-hw+r, math.Abs(y-cy)-hh+r
		return math.Hypot(max(dx, 0), max(dy, 0)) + min(max(dx, dy), 0) - r
	}
}

// polygon must be convex, its corners given clockwise on the screen.
func polygon(points ...float64) shape {
	return func(x, y float64) float64 {
		d := math.Inf(-1)
		for i := 0; i < len(points); i += 2 {
			j := (i + 2) % len(points)
			ex, ey := points[j]-points[i], points[j+1]-points[i+1]
			d = max(d, ((x-points[i])*-ey+(y-points[i+1])*ex)/-math.Hypot(ex, ey))
		}
		return d
	}
}

// stroke is the arc of a circle between two angles (radians), round at its ends.
func stroke(cx, cy, r, from, to, width float64) shape {
	return func(x, y float64) float64 {
		a := math.Atan2(y-cy, x-cx)
		mid, half := (from+to)/2, (to-from)/2
		off := math.Abs(math.Remainder(a-mid, 2*math.Pi))
		if off <= half {
			return math.Abs(math.Hypot(x-cx, y-cy)-r) - width
		}
		end := func(t float64) float64 { return math.Hypot(x-cx-r*math.Cos(t), y-cy-r*math.Sin(t)) }
		return min(end(from), end(to)) - width
	}
}

func both(a, b shape) shape {
	return func(x, y float64) float64 { return max(a(x, y), b(x, y)) }
}

func either(a, b shape) shape {
	return func(x, y float64) float64 { return min(a(x, y), b(x, y)) }
}

// turned rotates a shape clockwise around a point.
func turned(s shape, cx, cy, angle float64) shape {
	sin, cos := math.Sincos(angle)
	return func(x, y float64) float64 {
		dx, dy := x-cx, y-cy
		return s(cx+dx*cos+dy*sin, cy-dx*sin+dy*cos)
	}
}

func mirrored(s shape) shape { return func(x, y float64) float64 { return s(-x, y) } }

// easel draws shapes, mirrored or not, onto a canvas.
type easel struct {
	*canvas
	mirror bool
}

// fill paints a shape; its outline is one pixel soft. Blocks far from the
// shape are skipped by a look at their middle.
func (e *easel) fill(s shape, col rgb) {
	const block = 16
	scale := 2 / float64(min(e.w, e.h))
	far := 2 * block * scale
	for y := 0; y < e.h; y += block {
		for x := 0; x < e.w; x += block {
			if u, v := e.point(x+block/2, y+block/2, scale); s(u, v) < far {
				e.fillBlock(s, col, x, y, min(x+block, e.w), min(y+block, e.h), scale)
			}
		}
	}
}

func (e *easel) fillBlock(s shape, col rgb, x0, y0, x1, y1 int, scale float64) {
	for y := y0; y < y1; y++ {
		for x := x0; x < x1; x++ {
			u, v := e.point(x, y, scale)
			e.blend(x, y, col, clamp(0.5-s(u, v)/scale))
		}
	}
}

// point gives the middle of a pixel in the shapes' coordinates.
func (e *easel) point(x, y int, scale float64) (u, v float64) {
	u, v = (float64(x)+0.5)*scale-1, (float64(y)+0.5)*scale-1
	if e.mirror {
		u = -u
	}
	return u, v
}

// tones are the colours of one avatar.
type tones struct{ ground, halo, main, second, light, dark, accent rgb }

// newTones picks a hue, one that goes with it and an accent across the wheel.
func newTones(rng *rand.Rand) tones {
	hue := rng.Float64()
	other := hue + []float64{0.09, -0.09, 0.33, 0.5, -0.33}[rng.IntN(5)] + 0.03*rng.Float64()
	t := tones{
		ground: oklch(0.90, 0.055, hue), halo: oklch(0.95, 0.035, hue),
		main: oklch(0.62+0.08*rng.Float64(), 0.15, other), second: oklch(0.44, 0.11, other-0.03),
		light: oklch(0.93, 0.04, other+0.05), dark: oklch(0.24, 0.04, other),
		accent: oklch(0.76, 0.16, 0.18+0.05*rng.Float64()),
	}
	if rng.IntN(3) == 0 { // a deep ground
		t.ground, t.halo = oklch(0.42, 0.09, hue), oklch(0.52, 0.10, hue)
		t.main = oklch(0.74, 0.14, other)
	}
	return t
}

func drawAvatar(c *canvas, rng *rand.Rand) {
	e := &easel{c, rng.IntN(2) == 0}
	t := newTones(rng)
	for i := range c.px {
		y := float64(i/c.w) / float64(c.h)
		c.px[i] = mix(t.ground, t.halo, 0.5-0.5*y)
	}
	switch n := rng.IntN(10); {
	case n < 4:
		drawBird(e, t, rng)
	case n < 6:
		drawOwl(e, t, rng)
	case n < 8:
		drawFace(e, t, rng)
	default:
		drawTiles(e, t, rng)
	}
}

// drawBird is a songbird from the side.
func drawBird(e *easel, t tones, rng *rand.Rand) {
	vary := func(a, b float64) float64 { return a + (b-a)*rng.Float64() }
	e.fill(circle(vary(-0.3, 0.3), vary(-0.2, 0.1), vary(0.68, 0.82)), t.halo)
	head, chest := circle(0.02, -0.16, 0.5), ellipse(-0.16, 0.78, 0.68, 0.78)
	body := either(head, chest)
	for i := range rng.IntN(4) { // a crest, or none
		e.fill(turned(ellipse(-0.12-0.1*float64(i), -0.68+0.06*float64(i), 0.075, 0.24), -0.12, -0.45, -0.25-0.32*float64(i)), t.second)
	}
	open := vary(0, 0.11) // singing
	e.fill(polygon(0.38, -0.3, 0.9+0.04*vary(-1, 1), -0.2-open, 0.42, -0.1), t.accent)
	e.fill(polygon(0.38, -0.14, 0.8, -0.16+open, 0.4, 0.02), t.accent.scaled(0.82))
	e.fill(body, t.main)
	e.fill(both(body, ellipse(0.36, 0.62, 0.5, 0.66)), t.light)
	switch rng.IntN(3) {
	case 0: // a cap
		e.fill(both(head, ellipse(-0.05, -0.62, 0.75, 0.38)), t.second)
	case 1: // a mask
		e.fill(both(head, turned(ellipse(0.22, -0.2, 0.5, 0.15), 0.2, -0.2, -0.1)), t.second)
	}
	wing := turned(ellipse(-0.36, 0.66, 0.3, 0.52), -0.36, 0.66, 0.42)
	e.fill(wing, t.second)
	e.fill(both(wing, turned(ellipse(-0.28, 0.5, 0.26, 0.4), -0.36, 0.66, 0.42)), mix(t.second, t.main, 0.45))
	if rng.IntN(2) == 0 {
		e.fill(circle(0.2, 0.05, 0.1), mix(t.main, t.accent, 0.6))
	}
	drawEye(e, t, 0.2, -0.22, vary(0.1, 0.125))
}

func drawEye(e *easel, t tones, x, y, r float64) {
	e.fill(circle(x, y, r*1.25), t.light)
	e.fill(circle(x, y, r), t.dark)
	e.fill(circle(x+0.32*r, y-0.36*r, 0.32*r), rgb{1, 1, 1})
}

// drawOwl looks straight at you.
func drawOwl(e *easel, t tones, rng *rand.Rand) {
	e.fill(circle(0, -0.02, 0.86), t.halo)
	for _, side := range []float64{-1, 1} { // ears
		tip := 0.62 + 0.1*rng.Float64()
		ear := polygon(-0.52, -0.25, -tip, -0.86, -0.06, -0.52)
		if side > 0 {
			ear = mirrored(ear)
		}
		e.fill(ear, t.second)
	}
	body := either(ellipse(0, -0.1, 0.64, 0.58), box(0, 0.75, 0.64, 0.85, 0.3))
	e.fill(body, t.main)
	e.fill(both(body, ellipse(0, 0.86, 0.44, 0.62)), t.light)
	drawFeathers(e, both(body, ellipse(0, 0.86, 0.4, 0.6)), mix(t.main, t.second, 0.4), rng.IntN(4))
	for _, x := range []float64{-0.92, 0.92} {
		e.fill(both(body, ellipse(x, 0.75, 0.44, 0.62)), t.second)
	}
	size := 0.13 + 0.05*rng.Float64()
	sleepy := rng.IntN(4) == 0
	for _, x := range []float64{-0.27, 0.27} {
		e.fill(circle(x, -0.16, 0.31), t.light)
		if sleepy {
			e.fill(stroke(x, -0.2, 0.17, 0.35, math.Pi-0.35, 0.03), t.dark)
			continue
		}
		e.fill(circle(x, -0.16, size+0.05), t.accent)
		e.fill(circle(x*0.96, -0.15, size), t.dark)
		e.fill(circle(x*0.96+0.05, -0.21, 0.045), rgb{1, 1, 1})
	}
	e.fill(polygon(-0.09, 0, 0.09, 0, 0, 0.2), t.accent.scaled(0.9))
}

// drawFeathers marks an owl's belly: scales, dots, or nothing.
func drawFeathers(e *easel, belly shape, ink rgb, kind int) {
	if kind == 0 {
		return
	}
	for row := range 3 {
		for i := -2; i <= 2; i++ {
			x, y := 0.17*(float64(i)+0.5*float64(row%2)), 0.5+0.17*float64(row)
			mark := stroke(x, y, 0.065, 0.3, math.Pi-0.3, 0.018)
			if kind == 1 {
				mark = ellipse(x, y, 0.025, 0.045)
			}
			e.fill(both(belly, mark), ink)
		}
	}
}

// drawFace is a head with hair, somewhere between a person and a pebble.
func drawFace(e *easel, t tones, rng *rand.Rand) {
	skin := oklch(0.5+0.36*rng.Float64(), 0.075, 0.15+0.04*rng.Float64())
	tilt := 0.16 * (rng.Float64() - 0.5)
	head := turned(box(0, -0.06, 0.43, 0.54, 0.4), 0, 0.4, tilt)
	hair := rng.IntN(5)
	locks := []rgb{hex(0x2a1d1a), hex(0x5a3420), hex(0xa8652f), hex(0xd9b36a), hex(0x8f8f96), t.second}[rng.IntN(6)]
	switch hair {
	case 0: // long
		e.fill(turned(box(0, 0.1, 0.57, 0.76, 0.5), 0, 0.4, tilt), locks.scaled(0.85))
	case 1: // a bun
		e.fill(circle(0.05, -0.74, 0.24), locks.scaled(0.9))
	case 4: // curls
		for i := range 9 {
			a := math.Pi * (0.92 + 1.16*float64(i)/8)
			e.fill(turned(circle(0.44*math.Cos(a), -0.2+0.44*math.Sin(a), 0.2), 0, 0.4, tilt), locks)
		}
	}
	e.fill(box(0, 1.1, 0.72, 0.6, 0.42), t.main)
	e.fill(both(box(0, 1.1, 0.72, 0.6, 0.42), circle(0, 0.52, 0.27)), t.main.scaled(0.85))
	e.fill(box(0, 0.5, 0.17, 0.28, 0.15), skin.scaled(0.86))
	e.fill(turned(either(circle(-0.43, 0, 0.1), circle(0.43, 0, 0.1)), 0, 0.4, tilt), skin.scaled(0.9))
	e.fill(head, skin)
	crown := turned(both(box(0, -0.1, 0.47, 0.58, 0.42), ellipse(0.35-0.2*rng.Float64(), -0.72, 0.9, 0.46)), 0, 0.4, tilt)
	switch hair {
	case 0, 1, 2, 4:
		e.fill(crown, locks)
	case 3: // a cap with a brim
		hat := turned(both(box(0, -0.12, 0.49, 0.6, 0.42), polygon(-1, -1, 1, -1, 1, -0.26, -1, -0.26)), 0, 0.4, tilt)
		cloth := []rgb{t.accent, t.second, t.light, hex(0xd4574e)}[rng.IntN(4)]
		e.fill(hat, cloth)
		e.fill(turned(box(0.28, -0.27, 0.42, 0.05, 0.05), 0, 0.4, tilt), cloth.scaled(0.8))
	}
	for _, x := range []float64{-0.17, 0.17} {
		e.fill(turned(ellipse(x, 0, 0.052, 0.066), 0, 0.4, tilt), t.dark)
		e.fill(turned(circle(x*1.5, 0.16, 0.075), 0, 0.4, tilt), mix(skin, hex(0xe8604c), 0.3))
	}
	smile := 0.12 + 0.08*rng.Float64()
	e.fill(turned(stroke(0, 0.12, smile, 0.5, math.Pi-0.5, 0.025), 0, 0.4, tilt), mix(skin, t.dark, 0.75))
	if rng.IntN(3) == 0 { // glasses
		for _, x := range []float64{-0.18, 0.18} {
			e.fill(turned(stroke(x, 0, 0.135, 0, 2*math.Pi, 0.018), 0, 0.4, tilt), t.dark)
		}
		e.fill(turned(box(0, 0, 0.05, 0.016, 0.01), 0, 0.4, tilt), t.dark)
	}
}

// drawTiles is a pattern of quarter and half circles.
func drawTiles(e *easel, t tones, rng *rand.Rand) {
	n := 3 + rng.IntN(2)
	side := 2 / float64(n)
	colours := []rgb{t.main, t.second, t.accent, t.light, t.main}
	for i := range n * n {
		x, y := -1+side*(float64(i%n)+0.5), -1+side*(float64(i/n)+0.5)
		tile := box(x, y, side/2, side/2, 0)
		if rng.IntN(2) == 0 {
			e.fill(tile, colours[rng.IntN(len(colours))])
		}
		cx, cy := x+side/2*float64(2*rng.IntN(2)-1), y+side/2*float64(2*rng.IntN(2)-1)
		ink := colours[rng.IntN(len(colours))]
		switch rng.IntN(4) {
		case 0:
			e.fill(circle(x, y, side*0.34), ink)
		case 1:
			e.fill(both(tile, circle(cx, y, side/2)), ink)
		default:
			e.fill(both(tile, circle(cx, cy, side)), ink)
			e.fill(both(tile, circle(cx, cy, side*0.5)), colours[rng.IntN(len(colours))])
		}
	}
}
