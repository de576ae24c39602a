// Package sdk drives the real binary with the official Python SDK of the X
// API: accounts and an app made by the command line, OAuth 2 through the pages,
// then a day in the life of a bot, every answer held against the SDK's own
// models. The embedded shape's test has the build tag sdk: `make sdk` runs it with each pinned
// version, in a venv of its own.
package sdk
