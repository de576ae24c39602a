package photo

import "image"

// orient gives img turned and mirrored so that EXIF orientation o (1 to 8)
// becomes 1. It is done on the shrunk picture: two megapixels instead of
// twelve. img itself comes back where there is nothing to do.
func orient(img *image.YCbCr, o int) *image.YCbCr {
	if o <= 1 || o > 8 {
		return img
	}
	w, h := img.Rect.Dx(), img.Rect.Dy()
	cw, ch := (w+1)/2, (h+1)/2
	if o >= 5 {
		w, h = h, w
	}
	dst := image.NewYCbCr(image.Rect(0, 0, w, h), img.SubsampleRatio)
	orientPlane(dst.Y, img.Y, img.Rect.Dx(), img.Rect.Dy(), o)
	orientPlane(dst.Cb, img.Cb, cw, ch, o)
	orientPlane(dst.Cr, img.Cr, cw, ch, o)
	return dst
}

// orientPlane moves a w × h plane. Every orientation is a walk over src that
// starts in one corner and takes fixed steps as the target's x and y grow.
func orientPlane(dst, src []byte, w, h, o int) {
	right, down := 1, w
	lastX, lastY := w-1, (h-1)*w
	var start, stepX, stepY int
	switch o {
	case 2: // mirrored left to right
		start, stepX, stepY = lastX, -right, down
	case 3: // upside down
		start, stepX, stepY = lastX+lastY, -right, -down
	case 4: // mirrored top to bottom
		start, stepX, stepY = lastY, right, -down
	case 5: // mirrored along the falling diagonal
		start, stepX, stepY = 0, down, right
	case 6: // to be turned clockwise
		start, stepX, stepY = lastY, -down, right
	case 7: // mirrored along the rising diagonal
		start, stepX, stepY = lastX+lastY, -down, -right
	case 8: // to be turned anticlockwise
		start, stepX, stepY = lastX, down, -right
	}
	if o >= 5 {
		w, h = h, w
	}
	for y := range h {
		at := start + y*stepY
		for x := range w {
			dst[y*w+x] = src[at]
			at += stepX
		}
	}
}
