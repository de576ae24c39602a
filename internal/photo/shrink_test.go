package photo

import (
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"testing"
)

// TestTapsCoverTheSourceEvenly checks that weights add up to one, that indexes
// stay inside, and that every source sample counts about equally.
func TestTapsCoverTheSourceEvenly(t *testing.T) {
	for _, c := range []struct{ n, src int }{{1, 1}, {1, 9000}, {2048, 4000}, {2048, 2049}, {400, 2048}, {683, 1000}, {7, 7}, {3, 2}} {
		taps := newTaps(c.n, c.src, float64(c.src)/float64(c.n))
		given := make([]float64, c.src)
		for i := range c.n {
			sum := uint32(0)
			for k, w := range taps.weight[taps.at[i]:taps.at[i+1]] {
				given[taps.first[i]+k] += float64(w)
				sum += w
			}
			if sum != one {
				t.Fatalf("%v: weights of %d add up to %d", c, i, sum)
			}
		}
		want := one * float64(c.n) / float64(c.src)
		for j, g := range given {
			if math.Abs(g-want) > 2 {
				t.Fatalf("%v: source sample %d has weight %.1f, want %.1f", c, j, g, want)
			}
		}
	}
}

// TestShrinkIsTheAverageOfTheArea compares with the obvious computation.
func TestShrinkIsTheAverageOfTheArea(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 30 {
		w, h := 1+rng.IntN(90), 1+rng.IntN(90)
		dw, dh := 1+rng.IntN(w), 1+rng.IntN(h)
		src := image.NewGray(image.Rect(0, 0, w, h))
		for i := range src.Pix {
			src.Pix[i] = byte(rng.UintN(256))
		}
		got, err := shrink(t.Context(), newSource(src, w, h), dw, dh)
		if err != nil {
			t.Fatal(err)
		}
		for y := range dh {
			for x := range dw {
				want := area(src, float64(x*w)/float64(dw), float64(y*h)/float64(dh),
					float64((x+1)*w)/float64(dw), float64((y+1)*h)/float64(dh))
				if d := math.Abs(float64(got.Y[y*dw+x]) - want); d > 0.8 {
					t.Fatalf("%d×%d → %d×%d: (%d,%d) is off by %.2f", w, h, dw, dh, x, y, d)
				}
			}
		}
	}
}

// area is the mean of src over a rectangle, pixel by pixel.
func area(src *image.Gray, x0, y0, x1, y1 float64) float64 {
	sum := 0.0
	for y := int(y0); y < src.Rect.Dy() && float64(y) < y1; y++ {
		for x := int(x0); x < src.Rect.Dx() && float64(x) < x1; x++ {
			covered := (min(x1, float64(x+1)) - max(x0, float64(x))) * (min(y1, float64(y+1)) - max(y0, float64(y)))
			sum += covered * float64(src.GrayAt(x, y).Y)
		}
	}
	return sum / ((x1 - x0) * (y1 - y0))
}

// TestEverySubsamplingKeepsColoursInPlace shrinks the same quarters stored
// with each chroma layout, at even and odd sizes.
func TestEverySubsamplingKeepsColoursInPlace(t *testing.T) {
	for ratio := image.YCbCrSubsampleRatio444; ratio <= image.YCbCrSubsampleRatio410; ratio++ {
		for _, size := range []image.Point{{640, 480}, {641, 479}, {643, 5}, {3, 9}} {
			img := image.NewYCbCr(image.Rectangle{Max: size}, ratio)
			for y := range size.Y {
				for x := range size.X {
					c := [2]color.NRGBA{red, blue}[2*x/size.X]
					yy, cb, cr := color.RGBToYCbCr(c.R, c.G, c.B)
					img.Y[img.YOffset(x, y)], img.Cb[img.COffset(x, y)], img.Cr[img.COffset(x, y)] = yy, cb, cr
				}
			}
			w, h := fit(size.X, size.Y, 100)
			got, err := shrink(t.Context(), planarSource(img), w, h)
			if err != nil {
				t.Fatal(err)
			}
			for x, want := range map[int]color.NRGBA{0: red, w - 1: blue} {
				c := color.NRGBAModel.Convert(got.At(x, h-1)).(color.NRGBA)
				if w > 20 && !near(c, want) {
					t.Errorf("%v %v: column %d is %v, want %v", ratio, size, x, c, want)
				}
			}
		}
	}
}

func TestWhiteStaysWhite(t *testing.T) {
	img := image.NewUniform(color.White)
	got, err := shrink(t.Context(), newSource(img, 3333, 777), 2048, 477)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range got.Y {
		if v != 255 {
			t.Fatal(v)
		}
	}
}
