package photo

import (
	"bytes"
	"image"
	"image/jpeg"
	"image/png"
	"testing"
)

func TestAvatarsAreDeterministicAndDiffer(t *testing.T) {
	seen := map[string]uint64{}
	for seed := range uint64(60) {
		data := Avatar(seed, 96)
		if !bytes.Equal(data, Avatar(seed, 96)) {
			t.Fatalf("seed %d gives two pictures", seed)
		}
		if twin, ok := seen[string(data)]; ok {
			t.Errorf("seeds %d and %d look the same", seed, twin)
		}
		seen[string(data)] = seed
		img, err := png.Decode(bytes.NewReader(data))
		if err != nil || img.Bounds() != image.Rect(0, 0, 96, 96) {
			t.Fatal(img.Bounds(), err)
		}
	}
}

func TestLandscapesAreDeterministicAndDiffer(t *testing.T) {
	seen := map[string]uint64{}
	for seed := range uint64(24) {
		data := Landscape(seed, 240, 160)
		if !bytes.Equal(data, Landscape(seed, 240, 160)) {
			t.Fatalf("seed %d gives two pictures", seed)
		}
		if twin, ok := seen[string(data)]; ok {
			t.Errorf("seeds %d and %d look the same", seed, twin)
		}
		seen[string(data)] = seed
		img, err := jpeg.Decode(bytes.NewReader(data))
		if err != nil || img.Bounds() != image.Rect(0, 0, 240, 160) {
			t.Fatal(img.Bounds(), err)
		}
	}
}

func TestDrawingsOfAnySizePassAsUploads(t *testing.T) {
	for _, size := range []image.Point{{0, -1}, {1, 1}, {2, 3}, {7, 300}, {300, 7}, {64, 64}} {
		process(t, Landscape(5, size.X, size.Y))
		process(t, Avatar(5, size.X))
	}
}

func BenchmarkAvatar(b *testing.B) {
	for b.Loop() {
		Avatar(uint64(b.N), 400)
	}
}

func BenchmarkLandscape(b *testing.B) {
	for b.Loop() {
		Landscape(uint64(b.N), 1200, 800)
	}
}
