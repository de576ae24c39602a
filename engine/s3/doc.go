// Package s3 keeps photo files in a bucket of any store that speaks the S3 protocol: warble.Blobs for many machines.
//
// The file 0a1b…/full is the object photos/0a1b…/full, stored with its content type and the cache header of a public
// photo. It is put with If-None-Match: *, so a second put of a name changes nothing, whoever makes it and whenever. The
// order of a photo is: its note, its files, its document, the tweet; so truth never names a file that is not there, and
// a file without a document is left over from an upload that did not end. Old walks the files that are old enough for
// that to be said.
//
// A photo may be fetched from the store directly only where PublicURL says so: who has its name, 128 random bits, can
// read it there. A private account's photos go through the reader, which asks who is reading.
//
// Every call has a deadline of 5 s, a read of an open file 5 s for each piece; at most 64 connections are open at once.
package s3
