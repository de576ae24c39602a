package photo

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
)

// Avatar draws a portrait for a demo account: a bird, an owl, a face or a
// pattern, size × size pixels, as PNG. The same seed gives the same picture at
// any size; other processors may round single samples differently. size
// below 1 counts as 1.
func Avatar(seed uint64, size int) []byte {
	size = max(size, 1)
	c := newCanvas(size, size)
	drawAvatar(c, rand.New(rand.NewPCG(seed, 0xa7a)))
	var b bytes.Buffer
	e := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := e.Encode(&b, c.image()); err != nil {
		panic(fmt.Sprintf("photo: encoding to memory failed: %v", err))
	}
	return b.Bytes()
}

// Landscape draws a view for a demo tweet (mountains, lakes, dunes, a city at
// night, …), w × h pixels, as JPEG. Seeds in a row give different kinds. The same
// seed and size give the same picture, with the same reserve as Avatar.
// Sizes below 1 count as 1.
func Landscape(seed uint64, w, h int) []byte {
	c := newCanvas(max(w, 1), max(h, 1))
	drawLandscape(c, seed, rand.New(rand.NewPCG(seed, 0x1a4d)))
	var b bytes.Buffer
	if err := jpeg.Encode(&b, c.image(), &jpeg.Options{Quality: 88}); err != nil {
		panic(fmt.Sprintf("photo: encoding to memory failed: %v", err))
	}
	return b.Bytes()
}

// rgb is a colour, 0 to 1 each, in sRGB's encoding.
type rgb struct{ r, g, b float64 }

// hex gives the colour 0xrrggbb.
func hex(c uint32) rgb {
	return rgb{float64(c>>16&255) / 255, float64(c>>8&255) / 255, float64(c&255) / 255}
}

// mix goes from a (t = 0) to b (t = 1).
func mix(a, b rgb, t float64) rgb {
	return rgb{a.r + (b.r-a.r)*t, a.g + (b.g-a.g)*t, a.b + (b.b-a.b)*t}
}

// scaled makes c brighter or darker.
func (c rgb) scaled(f float64) rgb { return rgb{c.r * f, c.g * f, c.b * f} }

// plus adds light: the sum stays below white.
func (c rgb) plus(l rgb, f float64) rgb {
	add := func(a, b float64) float64 { return a + (1-a)*clamp(b*f) }
	return rgb{add(c.r, l.r), add(c.g, l.g), add(c.b, l.b)}
}

// oklch gives a colour by perceived lightness (0 to 1), colourfulness (0 to
// about 0.3) and hue (turns): colours of one lightness look equally light,
// so palettes picked by chance still fit together. After Björn Ottosson, 2020.
func oklch(l, chroma, hue float64) rgb {
	a, b := chroma*math.Cos(2*math.Pi*hue), chroma*math.Sin(2*math.Pi*hue)
	cube := func(v float64) float64 { return v * v * v }
	x := cube(l + 0.3963377774*a + 0.2158037573*b)
	y := cube(l - 0.1055613458*a - 0.0638541728*b)
	z := cube(l - 0.0894841775*a - 1.2914855480*b)
	encode := func(v float64) float64 {
		if v <= 0.0031308 {
			return clamp(12.92 * v)
		}
		return clamp(1.055*math.Pow(v, 1/2.4) - 0.055)
	}
	return rgb{
		encode(4.0767416621*x - 3.3077115913*y + 0.2309699292*z),
		encode(-1.2684380046*x + 2.6097574011*y - 0.3413193965*z),
		encode(-0.0041960863*x - 0.7034186147*y + 1.7076147010*z),
	}
}

// clamp keeps v between 0 and 1. Written out, as min and max must look for
// NaN and this is called a hundred times per pixel.
func clamp(v float64) float64 {
	if v <= 0 {
		return 0
	}
	if v >= 1 {
		return 1
	}
	return v
}

// smooth rises from 0 at a to 1 at b without corners.
func smooth(a, b, v float64) float64 {
	t := clamp((v - a) / (b - a))
	return t * t * (3 - 2*t)
}

// canvas is a picture in progress, row by row.
type canvas struct {
	w, h int
	px   []rgb
}

func newCanvas(w, h int) *canvas { return &canvas{w, h, make([]rgb, w*h)} }

// blend lays colour on one pixel; outside the canvas it does nothing.
func (c *canvas) blend(x, y int, col rgb, cover float64) {
	if cover <= 0 || x < 0 || y < 0 || x >= c.w || y >= c.h {
		return
	}
	p := &c.px[y*c.w+x]
	if cover >= 1 {
		*p = col
	} else {
		*p = mix(*p, col, cover)
	}
}

// image gives the finished picture. A grain of less than one step of the 256
// keeps slow gradients from showing bands.
func (c *canvas) image() *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, c.w, c.h))
	for i, p := range c.px {
		grain := float64(hash(uint32(i), 99)&255) / 256
		q := func(v float64) byte { return byte(max(0, min(255, v*255+grain))) }
		o := img.Pix[4*i:][:4]
		o[0], o[1], o[2], o[3] = q(p.r), q(p.g), q(p.b), 255
	}
	return img
}

// hash gives random-looking bits for a pair of numbers.
func hash(a, b uint32) uint32 {
	v := a*0x9e3779b1 ^ b*0x85ebca77
	v = (v ^ v>>16) * 0x7feb352d
	v = (v ^ v>>15) * 0x846ca68b
	return v ^ v>>16
}

// noise is a smooth random surface, 0 to 1, with a bump per unit; another
// salt gives another surface.
func noise(x, y float64, salt uint32) float64 {
	ix, iy := math.Floor(x), math.Floor(y)
	fx, fy := x-ix, y-iy
	fx, fy = fx*fx*(3-2*fx), fy*fy*(3-2*fy)
	at := func(i, j int32) float64 { return float64(hash(uint32(i)+salt*7919, uint32(j))) / (1 << 32) }
	i, j := int32(ix), int32(iy)
	top := at(i, j) + (at(i+1, j)-at(i, j))*fx
	bottom := at(i, j+1) + (at(i+1, j+1)-at(i, j+1))*fx
	return top + (bottom-top)*fy
}

// fractal adds octaves of noise, each twice as fine and half as strong.
func fractal(x, y float64, octaves int, salt uint32) float64 {
	sum, weight, total := 0.0, 1.0, 0.0
	for o := range octaves {
		sum += weight * noise(x, y, salt+uint32(o))
		total += weight
		x, y, weight = 2*x+17.3, 2*y+9.1, weight/2
	}
	return sum / total
}
