package photo

import (
	"math"
	"math/rand/v2"
)

// relief is the shape of one layer of land.
type relief int

const (
	mountains relief = iota
	hills
	dunes
	forest
	skyline
)

// scene is a kind of landscape: what drawLandscape varies by chance.
type scene struct {
	zenith, middle, horizon rgb // the sky, top to bottom
	far, near               rgb // the land, with distance and without
	light                   rgb // sun or moon
	lightHeight, lightSize  float64
	stars, clouds, aurora   float64 // how much, 0 to 1
	snow, mist              float64
	water                   bool
	pines                   bool // dark trees at the sides of the foreground
	layers                  []relief
}

// scenes are the kinds there are.
func scenes() []scene {
	return []scene{
		{ // sunset over a mountain lake
			zenith: hex(0x3b4a8a), middle: hex(0xd9788f), horizon: hex(0xffc98a), far: hex(0xb0779a), near: hex(0x33264f),
			light: hex(0xfff0c4), lightHeight: 0.2, lightSize: 0.05, clouds: 0.55, mist: 0.35, water: true, pines: true,
			layers: []relief{mountains, mountains, hills, forest},
		},
		{ // a clear morning, snow on the peaks
			zenith: hex(0x3f86c9), middle: hex(0x8fc4e8), horizon: hex(0xe4f2f4), far: hex(0x93b4cf), near: hex(0x1f4a45),
			light: hex(0xffffff), lightHeight: 0.75, lightSize: 0.03, clouds: 0.6, snow: 0.8, mist: 0.3, water: true,
			layers: []relief{mountains, mountains, hills, forest},
		},
		{ // moonlight
			zenith: hex(0x060b24), middle: hex(0x14275a), horizon: hex(0x3d6091), far: hex(0x274a77), near: hex(0x040a18),
			light: hex(0xf4f3e2), lightHeight: 0.6, lightSize: 0.045, stars: 1, clouds: 0.25, snow: 0.4, mist: 0.3, water: true, pines: true,
			layers: []relief{mountains, hills, forest},
		},
		{ // northern lights
			zenith: hex(0x050a20), middle: hex(0x0b2140), horizon: hex(0x1f5560), far: hex(0x1c4458), near: hex(0x050d16),
			lightHeight: -1, stars: 1, aurora: 1, snow: 0.9, mist: 0.25, water: true, pines: true,
			layers: []relief{mountains, mountains, forest},
		},
		{ // desert
			zenith: hex(0x4fa3c7), middle: hex(0xa9d4d6), horizon: hex(0xfbe7c0), far: hex(0xe0a878), near: hex(0xa04f24),
			light: hex(0xfffbe8), lightHeight: 0.55, lightSize: 0.05, clouds: 0.15, mist: 0.15,
			layers: []relief{mountains, dunes, dunes, dunes, dunes},
		},
		{ // woods in the morning mist
			zenith: hex(0xa9c6cf), middle: hex(0xd7e3dc), horizon: hex(0xf6efdd), far: hex(0xb7cbc7), near: hex(0x16352f),
			light: hex(0xfffdf0), lightHeight: 0.5, lightSize: 0.05, clouds: 0.3, mist: 0.75,
			layers: []relief{mountains, forest, forest, forest, forest},
		},
		{ // a city by the water at night
			zenith: hex(0x0b1033), middle: hex(0x3a2a66), horizon: hex(0xd0708a), far: hex(0x5b4380), near: hex(0x0d0d24),
			light: hex(0xfff1d6), lightHeight: 0.55, lightSize: 0.04, stars: 0.6, clouds: 0.3, mist: 0.25, water: true,
			layers: []relief{hills, skyline, skyline},
		},
		{ // islands at dusk
			zenith: hex(0x2d3f7f), middle: hex(0xb06a9c), horizon: hex(0xffb37c), far: hex(0xc07a8c), near: hex(0x2c2348),
			light: hex(0xffe9b0), lightHeight: 0.12, lightSize: 0.075, clouds: 0.7, mist: 0.4, water: true,
			layers: []relief{hills, hills},
		},
		{ // green hills in summer
			zenith: hex(0x3b8fd6), middle: hex(0x93cbee), horizon: hex(0xeaf6ef), far: hex(0x9cc7b4), near: hex(0x3f7d2f),
			light: hex(0xfffff0), lightHeight: 0.8, lightSize: 0.04, clouds: 0.85, mist: 0.2,
			layers: []relief{mountains, hills, hills, hills, hills},
		},
	}
}

// view is a scene with its chances taken, on a canvas.
type view struct {
	*canvas
	scene
	rng        *rand.Rand
	salt       uint32
	shore      int     // the row where land ends: water or the bottom of the picture
	lightX     float64 // 0 to 1
	unit       float64 // pixels; sizes follow it, so a picture looks the same at any size
	horizonRow float64
}

func drawLandscape(c *canvas, kind uint64, rng *rand.Rand) {
	all := scenes()
	v := &view{canvas: c, scene: all[kind%uint64(len(all))], rng: rng, salt: rng.Uint32() >> 8}
	v.unit = math.Sqrt(float64(c.w * c.h))
	v.lightX = 0.15 + 0.7*rng.Float64()
	v.horizonRow = float64(c.h) * (0.56 + 0.1*rng.Float64())
	v.shore = c.h
	if v.water {
		v.shore = int(v.horizonRow + 0.04*float64(c.h))
	}
	warm := 0.93 + 0.14*rng.Float64()
	for _, col := range []*rgb{&v.zenith, &v.middle, &v.horizon, &v.far, &v.near} {
		col.r, col.b = col.r*warm, col.b*(2-warm)
	}
	v.drawSky()
	if rng.IntN(2) == 0 && v.stars == 0 {
		v.drawBirds()
	}
	for i, kind := range v.layers {
		v.drawLayer(i, kind)
	}
	if v.water {
		v.drawWater()
	}
	if v.pines {
		v.drawPines()
	}
}

// drawSky paints every pixel above the shore.
func (v *view) drawSky() {
	lx, ly := v.lightX*float64(v.w), v.horizonRow*(1-v.lightHeight)
	radius := v.lightSize * v.unit
	for y := range v.shore {
		t := float64(y) / v.horizonRow
		base := mix(v.zenith, v.middle, smooth(0, 0.62, t))
		base = mix(base, v.horizon, smooth(0.45, 1, t))
		for x := range v.w {
			col := base
			if v.stars > 0 {
				col = col.plus(rgb{1, 1, 1}, v.starAt(x, y)*v.stars*(1-0.85*t))
			}
			if v.aurora > 0 {
				col = v.withAurora(col, x, y)
			}
			if v.lightHeight >= 0 {
				d := math.Hypot(float64(x)-lx, float64(y)-ly)
				glow := 0.55*math.Exp(-d/(radius*2.2)) + 0.3*math.Exp(-d/(radius*8))
				col = mix(col.plus(v.light, glow), v.light, clamp(radius-d+0.5))
			}
			if v.clouds > 0 {
				col = v.withCloud(col, x, y, t, lx, ly)
			}
			v.px[y*v.w+x] = col
		}
	}
}

// starAt gives the brightness of the star in a pixel's cell, if it is there.
func (v *view) starAt(x, y int) float64 {
	cell := max(3, v.unit/70)
	cx, cy := math.Floor(float64(x)/cell), math.Floor(float64(y)/cell)
	h := hash(uint32(int(cx))+v.salt, uint32(int(cy)))
	if h&3 != 0 {
		return 0
	}
	sx := (cx + 0.2 + 0.6*float64(h>>8&255)/255) * cell
	sy := (cy + 0.2 + 0.6*float64(h>>16&255)/255) * cell
	size := (0.35 + 0.65*math.Pow(float64(h>>24)/255, 3)) * max(0.9, v.unit/800)
	d := math.Hypot(float64(x)+0.5-sx, float64(y)+0.5-sy)
	return clamp(1.6 * size * math.Exp(-d*d/(size*size)) * (0.4 + 0.6*float64(h>>24)/255))
}

// withAurora adds curtains of green that turn violet upwards.
func (v *view) withAurora(col rgb, x, y int) rgb {
	u, t := float64(x)/v.unit, float64(y)/v.horizonRow
	for i := range uint32(3) {
		foot := 0.5 + 0.12*float64(i) + 0.35*(fractal(u*1.6, float64(i)*5, 3, v.salt+40+i)-0.5)
		above := foot - t
		if above < -0.04 || above > 0.6 {
			continue
		}
		rays := 0.35 + 0.65*noise(u*26+3*float64(i), t*0.8, v.salt+50+i)
		bright := 0.75 * rays * smooth(-0.04, 0.02, above) * math.Exp(-above*5.5)
		col = col.plus(mix(hex(0x55ffb0), hex(0x9a5cff), smooth(0.08, 0.4, above)), bright)
	}
	return col
}

// withCloud lays long clouds over the sky, lit towards the sun.
func (v *view) withCloud(col rgb, x, y int, t, lx, ly float64) rgb {
	u, w := float64(x)/v.unit, float64(y)/v.unit
	thick := fractal(u*2.2, w*(7+6*t), 4, v.salt+20)
	cover := smooth(0.74-0.26*v.clouds, 0.9-0.18*v.clouds, thick) * smooth(-0.1, 0.25, t)
	if cover == 0 {
		return col
	}
	if v.lightHeight >= 0 { // none before the sun or the moon
		r := v.lightSize * v.unit
		cover *= 0.1 + 0.9*smooth(0.9*r, 2.6*r, math.Hypot(float64(x)-lx, (float64(y)-ly)*1.6))
	}
	lit := mix(v.horizon, v.light, 0.35+0.65*math.Exp(-math.Abs(float64(x)-lx)/(0.4*v.unit)))
	body := mix(lit, mix(v.middle, v.zenith, 0.4), smooth(0.5, 0.85, thick)*0.55)
	return mix(col, body, 0.8*cover)
}

// drawBirds are a few of them, far away.
func (v *view) drawBirds() {
	ink := v.near.scaled(0.7)
	cx, cy := 0.2+0.6*v.rng.Float64(), 0.15+0.3*v.rng.Float64()
	for range 3 + v.rng.IntN(6) {
		x := (cx + 0.16*(v.rng.Float64()-0.5)) * float64(v.w)
		y := (cy + 0.12*(v.rng.Float64()-0.5)) * v.horizonRow
		span := v.unit * (0.008 + 0.01*v.rng.Float64())
		lift := 0.35 + 0.5*v.rng.Float64()
		for px := int(x - span); px <= int(x+span)+1; px++ {
			s := (float64(px) - x) / span
			if math.Abs(s) > 1 {
				continue
			}
			wing := y - span*lift*math.Sin(math.Pi*math.Abs(s))*(1-0.4*math.Abs(s))
			thick := max(0.7, span*0.16*(1-math.Abs(s)))
			for py := int(wing - thick - 1); py <= int(wing+thick+1); py++ {
				v.blend(px, py, ink, clamp(thick-math.Abs(float64(py)-wing)+0.5))
			}
		}
	}
}

// drawWater mirrors what stands above the shore, broken by ripples that grow
// towards the viewer, with the light's path on it.
func (v *view) drawWater() {
	deep := mix(v.near, v.zenith, 0.55)
	lx := v.lightX * float64(v.w)
	depth := float64(v.h - v.shore)
	for y := v.shore; y < v.h; y++ {
		d := float64(y-v.shore) / depth
		for x := range v.w {
			u := float64(x) / v.unit
			row := 6 / (0.045 + d) // ripples are narrow far away
			wave := fractal(u*(24-14*d), row*2.2, 3, v.salt+60) - 0.5
			sy := v.shore - 1 - int(float64(y-v.shore)*1.1+wave*(2+26*d)*v.unit/900)
			sx := x + int(wave*(1+10*d)*v.unit/900)
			sy, sx = max(0, min(v.shore-1, sy)), max(0, min(v.w-1, sx))
			col := mix(v.px[sy*v.w+sx], deep, 0.16+0.34*d)
			col = col.scaled(1 + 0.16*wave)
			if v.lightHeight >= 0 {
				width := (0.03 + 0.1*d) * v.unit
				near := math.Exp(-math.Pow((float64(x)-lx)/width, 2))
				col = col.plus(v.light, 0.8*near*smooth(0.08, 0.32, wave+0.12)*(1-0.5*v.lightHeight))
			}
			edge := smooth(0, 0.02, d)
			v.px[y*v.w+x] = mix(mix(v.horizon, col, 0.75), col, edge)
		}
	}
}
