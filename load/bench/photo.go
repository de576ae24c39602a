package bench

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"warble/internal/photo"
)

const (
	photoWant      = 0.4  // CPU seconds
	photoPeakWant  = 60.0 // MB
	photoW, photoH = 4000, 3000
)

// photoRole processes one photograph of 12 megapixels a few times, and says
// what CPU time and memory this process needed for it.
func photoRole(ctx context.Context, in *inside, conf *engineConfig) error {
	data, err := photograph()
	if err != nil {
		return err
	}
	p := photo.New(1)
	var seconds, peaks []float64
	for range conf.Plan.Rounds {
		debug.FreeOSMemory()
		if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
			return errNoProc
		}
		before, err := memory(os.Getpid(), "VmRSS")
		if err != nil {
			return err
		}
		cpu, err := cpuTime(os.Getpid())
		if err != nil {
			return err
		}
		if _, err := p.Process(ctx, data); err != nil {
			return err
		}
		after, err := cpuTime(os.Getpid())
		if err != nil {
			return err
		}
		peak, err := memory(os.Getpid(), "VmHWM")
		if err != nil {
			return err
		}
		seconds = append(seconds, (after - cpu).Seconds())
		peaks = append(peaks, float64(peak-before)/(1<<20))
	}
	runtime.KeepAlive(data)
	note := fmt.Sprintf("%.1f MB of JPEG, to both sizes and a blurhash", float64(len(data))/(1<<20))
	in.results([]Result{
		{Key: "photo.12mp", Value: median(seconds), Unit: "CPU s", Limit: photoWant, Detail: &Detail{Note: note}},
		{Key: "photo.12mp.peak", Value: slices.Max(peaks), Unit: "MB", Limit: photoPeakWant, Detail: &Detail{Note: "above what the process held before, the largest"}},
	})
	return nil
}

// photograph makes a JPEG with soft shapes and the grain of a camera.
func photograph() ([]byte, error) {
	rng := rand.New(rand.NewPCG(seed, uint64(time.Hour)))
	img := image.NewYCbCr(image.Rect(0, 0, photoW, photoH), image.YCbCrSubsampleRatio420)
	for y := range photoH {
		for x := range photoW {
			v := 60 + (x*x/40000+y*y/30000)%120 + (x/37+y/53)%23 + rng.IntN(17)
			img.Y[y*img.YStride+x] = byte(min(v, 255))
		}
	}
	for i := range img.Cb {
		img.Cb[i] = byte(128 + (i/1000)%40)
		img.Cr[i] = byte(128 - (i%2000)/60)
	}
	var b bytes.Buffer
	err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 90})
	return b.Bytes(), err
}
