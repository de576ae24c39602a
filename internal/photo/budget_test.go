//go:build unix

package photo

import (
	"bytes"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"syscall"
	"testing"
	"time"
)

// What one picture of 12 megapixels may take. CPU is bounded against decoding
// the same file, because machines differ: 0.4 s was the aim where decoding
// takes 0.2 s.
const (
	cpuPerDecode = 2.2
	peakHeap     = 60 << 20
)

// syntheticPhoto is a 4000 × 3000 JPEG with the statistics of a photo: detail
// on all scales, some edges, sensor noise; about 3 MB.
func syntheticPhoto(t testing.TB) []byte {
	rng := rand.New(rand.NewPCG(7, 7))
	img := image.NewYCbCr(image.Rect(0, 0, 4000, 3000), image.YCbCrSubsampleRatio420)
	var grid [6][64 * 64]float64
	for i := range grid {
		for j := range grid[i] {
			grid[i][j] = rng.Float64() - 0.5
		}
	}
	noise := func(o int, x, y float64) float64 {
		ix, iy := math.Floor(x), math.Floor(y)
		fx, fy := x-ix, y-iy
		at := func(i, j int) float64 { return grid[o][(j&63)*64+i&63] }
		i, j := int(ix), int(iy)
		return (at(i, j)*(1-fx)+at(i+1, j)*fx)*(1-fy) + (at(i, j+1)*(1-fx)+at(i+1, j+1)*fx)*fy
	}
	for y := range 3000 {
		for x := range 4000 {
			v, scale := 120+float64(y)/40, 1.0/600
			for o := range grid {
				v += 110 * math.Pow(0.55, float64(o)) * noise(o, float64(x)*scale, float64(y)*scale)
				scale *= 3
			}
			if (x/250+y/250)%5 == 0 {
				v -= 40
			}
			v += 16 * (rng.Float64() - 0.5)
			img.Y[y*img.YStride+x] = byte(max(0, min(255, v)))
			if x%2 == 0 && y%2 == 0 {
				img.Cb[y/2*img.CStride+x/2] = byte(128 + 40*noise(0, float64(x)/500, float64(y)/500))
				img.Cr[y/2*img.CStride+x/2] = byte(128 + 40*noise(1, float64(x)/400, float64(y)/400))
			}
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 92}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// cpu gives the processor time f takes in this process, all threads, the
// smallest of three runs.
func cpu(f func()) time.Duration {
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			panic(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	best := time.Duration(math.MaxInt64)
	for range 3 {
		runtime.GC()
		start := used()
		f()
		best = min(best, used()-start)
	}
	return best
}

// peak gives the largest heap seen while f runs, live and garbage alike,
// above what was there before it.
func peak(f func()) int64 {
	debug.FreeOSMemory()
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	read := func() int64 { metrics.Read(sample); return int64(sample[0].Value.Uint64()) }
	base := read()
	stop, most := make(chan struct{}), make(chan int64)
	go func() {
		top := base
		for {
			select {
			case <-stop:
				most <- top
				return
			case <-time.After(200 * time.Microsecond):
				top = max(top, read())
			}
		}
	}()
	f()
	close(stop)
	return <-most - base
}

func TestTwelveMegapixelsStayInBudget(t *testing.T) {
	if testing.Short() {
		t.Skip("takes two seconds")
	}
	data := syntheticPhoto(t)
	p := New(1)
	run := func() {
		if _, err := p.Process(t.Context(), data); err != nil {
			t.Error(err)
		}
	}
	decode := cpu(func() { _, _ = jpeg.Decode(bytes.NewReader(data)) })
	all := cpu(run)
	heap := peak(run)
	ratio := float64(all) / float64(decode)
	t.Logf("4000×3000, %.1f MB: CPU %v (decoding alone %v, ratio %.2f of %.2f), peak heap %.1f of %d MB",
		float64(len(data))/(1<<20), all, decode, ratio, cpuPerDecode, float64(heap)/(1<<20), peakHeap>>20)
	if ratio > cpuPerDecode && !raceEnabled {
		t.Errorf("CPU %.2f of decoding alone, limit %.2f", ratio, cpuPerDecode)
	}
	if heap > peakHeap {
		t.Errorf("peak heap %d bytes, limit %d", heap, peakHeap)
	}
}

// TestTheHeaviestProgressiveJPEGStaysWithinItsEstimate makes the worst file
// inspect lets through: 40 megapixels, 64 scans, 120 KB.
func TestTheHeaviestProgressiveJPEGStaysWithinItsEstimate(t *testing.T) {
	if testing.Short() {
		t.Skip("takes two seconds and 300 MB")
	}
	const edge = 6320
	blocks := ((edge + 15) / 16) * ((edge + 15) / 16) * 4 // of luma
	data := jpegHeader(0xc2, edge, edge)
	data = data[:len(data)-14]
	data[13] = 0x22                                                        // 4:2:0
	data = append(append(data, 0xff, 0xdb, 0, 67, 0), make([]byte, 64)...) // a quantization table
	for _, table := range [][2]byte{{0x00, 0x00}, {0x10, 0xe0}} {          // DC: no change; AC: 16,384 blocks without
		data = append(append(data, 0xff, 0xc4, 0, 20, table[0], 1), make([]byte, 15)...)
		data = append(data, table[1])
	}
	data = append(data, 0xff, 0xda, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 0, 0)
	data = append(data, make([]byte, blocks*6/4/8+2)...)
	for range maxScans - 1 {
		data = append(data, 0xff, 0xda, 0, 8, 1, 1, 0, 1, 63, 0)
		data = append(data, make([]byte, blocks/16384*15/8+4)...)
	}
	data = append(data, 0xff, 0xd9)
	h, err := inspect(data)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	heap := peak(func() { process(t, data) })
	t.Logf("%d KB: %v, peak heap %d MB, estimated %d MB", len(data)>>10, time.Since(start), heap>>20, h.cost>>20)
	if float64(heap) > 1.1*float64(h.cost) {
		t.Errorf("peak heap %d bytes, estimated %d", heap, h.cost)
	}
}

func BenchmarkTwelveMegapixels(b *testing.B) {
	data := syntheticPhoto(b)
	p := New(1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Process(b.Context(), data); err != nil {
			b.Fatal(err)
		}
	}
}
