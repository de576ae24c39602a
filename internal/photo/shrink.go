package photo

import (
	"context"
	"image"
	"image/color"
	"image/draw"
	"math"
)

// source hands out a picture's rows as luma and chroma, top to bottom. One
// chroma sample stands for hs × vs pixels. Slices are valid until the next call.
type source struct {
	w, h   int
	hs, vs int
	row    func(y int) (luma, cb, cr []byte) // chroma only where y % vs == 0; never if grey
}

// newSource reads img as a w × h picture; where img does not cover it or is
// transparent, it is white.
func newSource(img image.Image, w, h int) source {
	switch img := img.(type) {
	case *image.YCbCr:
		return planarSource(img)
	case *image.Gray:
		return source{w, h, 2, 2, func(y int) (luma, cb, cr []byte) {
			return img.Pix[y*img.Stride:][:w], nil, nil
		}}
	case *image.Paletted:
		return palettedSource(img, w, h)
	}
	return drawnSource(img, w, h)
}

// planarSource reads a YCbCr picture in place.
func planarSource(img *image.YCbCr) source {
	s := source{w: img.Rect.Dx(), h: img.Rect.Dy(), hs: 1, vs: 1}
	switch img.SubsampleRatio {
	case image.YCbCrSubsampleRatio422:
		s.hs, s.vs = 2, 1
	case image.YCbCrSubsampleRatio420:
		s.hs, s.vs = 2, 2
	case image.YCbCrSubsampleRatio440:
		s.hs, s.vs = 1, 2
	case image.YCbCrSubsampleRatio411:
		s.hs, s.vs = 4, 1
	case image.YCbCrSubsampleRatio410:
		s.hs, s.vs = 4, 2
	}
	cw := (s.w + s.hs - 1) / s.hs
	s.row = func(y int) (luma, cb, cr []byte) {
		luma = img.Y[y*img.YStride:][:s.w]
		if y%s.vs == 0 {
			c := y / s.vs * img.CStride
			cb, cr = img.Cb[c:][:cw], img.Cr[c:][:cw]
		}
		return luma, cb, cr
	}
	return s
}

// palettedSource looks colours up once per palette entry instead of once per pixel.
func palettedSource(img *image.Paletted, w, h int) source {
	var table [256][3]byte
	for i, c := range img.Palette[:min(len(img.Palette), 256)] {
		r, g, b, a := c.RGBA()
		white := 0xffff - a
		table[i][0], table[i][1], table[i][2] = color.RGBToYCbCr(
			byte((r+white)>>8), byte((g+white)>>8), byte((b+white)>>8))
	}
	luma, cb, cr := white(w)
	frame := img.Rect.Intersect(image.Rect(0, 0, w, h))
	return source{w, h, 1, 1, func(y int) ([]byte, []byte, []byte) {
		inside := y >= frame.Min.Y && y < frame.Max.Y
		for x := frame.Min.X; x < frame.Max.X; x++ {
			c := [3]byte{255, 128, 128}
			if inside {
				c = table[img.Pix[img.PixOffset(x, y)]]
			}
			luma[x], cb[x], cr[x] = c[0], c[1], c[2]
		}
		return luma, cb, cr
	}}
}

// drawnSource lays any picture on white, a row at a time.
func drawnSource(img image.Image, w, h int) source {
	luma, cb, cr := white(w)
	line := image.NewRGBA(image.Rect(0, 0, w, 1))
	return source{w, h, 1, 1, func(y int) ([]byte, []byte, []byte) {
		for i := range line.Pix {
			line.Pix[i] = 255
		}
		draw.Draw(line, line.Rect, img, image.Pt(0, y), draw.Over)
		for x := range luma {
			p := line.Pix[4*x:][:3]
			luma[x], cb[x], cr[x] = color.RGBToYCbCr(p[0], p[1], p[2])
		}
		return luma, cb, cr
	}}
}

// white gives a white row.
func white(w int) (luma, cb, cr []byte) {
	luma, cb, cr = make([]byte, w), make([]byte, w), make([]byte, w)
	for i := range w {
		luma[i], cb[i], cr[i] = 255, 128, 128
	}
	return luma, cb, cr
}

// shrink makes a w × h picture of s with 4:2:0 chroma, each sample the average
// of the area it stands for. It works on encoded values, not on linear light:
// on photographs the difference does not show. Only ctx's error is returned.
func shrink(ctx context.Context, s source, w, h int) (*image.YCbCr, error) {
	dst := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	stepX, stepY := float64(s.w)/float64(w), float64(s.h)/float64(h)
	luma := newShrinker(dst.Y, newTaps(w, s.w, stepX), newTaps(h, s.h, stepY))
	cols := newTaps((w+1)/2, (s.w+s.hs-1)/s.hs, 2*stepX/float64(s.hs))
	rows := newTaps((h+1)/2, (s.h+s.vs-1)/s.vs, 2*stepY/float64(s.vs))
	chroma := [2]*shrinker{newShrinker(dst.Cb, cols, rows), newShrinker(dst.Cr, cols, rows)}
	colour := false
	for y := range s.h {
		if y%256 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		yy, cb, cr := s.row(y)
		luma.add(yy)
		if cb != nil {
			colour = true
			chroma[0].add(cb)
			chroma[1].add(cr)
		}
	}
	if !colour {
		for i := range dst.Cb {
			dst.Cb[i], dst.Cr[i] = 128, 128
		}
	}
	return dst, nil
}

// one is the sum of the weights of a sample along one axis: two axes and the
// eight bits of a sample fit 32 bits.
const one = 1 << 12

// taps says, for each target sample along one axis, which source samples it
// is the average of: weight[at[i]:at[i+1]], from first[i] on.
type taps struct {
	first, at []int
	weight    []uint32
}

// newTaps covers src source samples with n target samples of step source
// samples each. The last may be cut by the end of the source.
func newTaps(n, src int, step float64) taps {
	t := taps{first: make([]int, n), at: make([]int, n+1)}
	for i := range n {
		lo := min(float64(i)*step, float64(src)-step/2)
		hi := min(float64(i+1)*step, float64(src))
		first := max(0, min(int(lo), src-1))
		last := max(first, min(int(math.Ceil(hi))-1, src-1))
		t.first[i] = first
		given := 0 // weights are differences of rounded sums, so they add up to one
		for j := first; j <= last; j++ {
			upTo := one
			if j < last {
				upTo = max(given, int(one*(float64(j+1)-lo)/(hi-lo)+0.5))
			}
			t.weight = append(t.weight, uint32(upTo-given))
			given = upTo
		}
		t.at[i+1] = len(t.weight)
	}
	return t
}

// shrinker averages one plane. Rows are added top to bottom and summed up at
// source width; each finished sum becomes one target row.
type shrinker struct {
	dst        []byte
	cols, rows taps
	sum        []uint32 // of the target row in progress, × one
	y, target  int      // the next source row, the target row in progress
}

func newShrinker(dst []byte, cols, rows taps) *shrinker {
	return &shrinker{dst: dst, cols: cols, rows: rows}
}

func (s *shrinker) add(src []byte) {
	if s.sum == nil {
		s.sum = make([]uint32, len(src))
	}
	y := s.y
	s.y++
	for s.target < len(s.rows.first) {
		first := s.rows.first[s.target]
		weights := s.rows.weight[s.rows.at[s.target]:s.rows.at[s.target+1]]
		if y < first {
			return
		}
		w, sum := weights[y-first], s.sum[:len(src)]
		if y == first {
			for x, v := range src {
				sum[x] = w * uint32(v)
			}
		} else {
			for x, v := range src {
				sum[x] += w * uint32(v)
			}
		}
		if y < first+len(weights)-1 {
			return
		}
		s.finishRow()
		s.target++ // which may start in this same source row
	}
}

func (s *shrinker) finishRow() {
	n := len(s.cols.first)
	dst := s.dst[s.target*n:][:n]
	for i, first := range s.cols.first {
		weights := s.cols.weight[s.cols.at[i]:s.cols.at[i+1]]
		sum := s.sum[first:][:len(weights)]
		total := uint32(one * one / 2)
		for k, w := range weights {
			total += w * sum[k]
		}
		dst[i] = byte(total / (one * one))
	}
}
