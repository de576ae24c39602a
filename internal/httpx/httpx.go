// Package httpx is what the HTTP edges share: routes as data, the mux that
// wraps them, bounded strict request bodies, answers with optional gzip,
// problem documents, and the one table from the domain's kinds of error to
// HTTP.
//
// A request goes through a [Mux] like this: request id and standing headers →
// route → who asks ([Options].Authenticate) → role scope → rate limit with its
// headers → idempotency key (POST) → the route's handler → its error, if any,
// as the route's own error form. Who asks is handed to the handler as a
// parameter, in [Call]; nothing rides in a context.
package httpx

import (
	"net/http"
	"net/netip"
	"strings"

	"warble"
)

// Role says which processes mount a route.
type Role string

// The roles that mount routes.
const (
	Reader Role = "reader"
	Writer Role = "writer"
)

// Access says who may use a route.
type Access uint8

// The kinds of access.
const (
	Anyone     Access = iota // anonymous too; a token that is sent must be good and bear the scope
	SignedIn                 // a person's token (or session, with Cookie) with the scope
	AnyToken                 // a person's or an app's own token with the scope
	NoIdentity               // credentials are not even looked at
)

// Handler answers one request. An error it returns before it wrote anything is
// turned into the route's error form.
type Handler func(w http.ResponseWriter, r *http.Request, c *Call) error

// Limit is a rate limit: N requests in each window of 15 minutes, per person,
// app or address. Routes of one Class share a budget; an empty Class is the
// route's own. N of zero: not limited.
type Limit struct {
	Class string
	N     int
}

// Route is one row of the route table: everything the load balancer, the
// metrics, the docs and the mux need to know about an endpoint.
type Route struct {
	Method  string
	Pattern string // as http.ServeMux, without the method
	Role    Role
	Scope   string // scopes a token must bear, separated by spaces
	Access  Access
	Limit   Limit
	Handler Handler

	Cookie bool // a browser's session counts as well; unsafe methods must be same-origin then
	// OwnKey: the handler looks after Idempotency-Key itself (see Call.Once)
	// because the body is too big to be hashed beforehand.
	OwnKey bool
	// NoKey: an Idempotency-Key is ignored (OAuth's token endpoint, whose answers are secrets).
	NoKey bool
	// Error writes errors in another form than problem documents; nil: those.
	Error func(w http.ResponseWriter, r *http.Request, err error)
}

// Name is how the route is called in metrics and logs.
func (r *Route) Name() string { return r.Method + " " + r.Pattern }

// Caller is who asks. The zero Caller is nobody.
type Caller struct {
	User   warble.UserID
	App    warble.DocID // the app the token was given to; alone for an app's own token
	Token  warble.DocID // the token's document, zero for a session
	Scopes Scopes
}

// Call is what the mux found out before it called a handler.
type Call struct {
	Who Caller
	// Addr is the peer's address; the zero Addr unless the mux needed it.
	Addr netip.Addr
	// ID is reserved for what a POST with an Idempotency-Key makes: every retry
	// gets the same. Zero without a key. Retry says that the key was seen before
	// and no answer is remembered: what bears ID may be there already.
	ID    warble.ID
	Retry bool
	// Changing is set by a handler whose answer is not to be remembered under
	// the key, because a retry must look at what became of the thing it made.
	Changing bool
	// Once runs an OwnKey route's handler body under the request's key; see [Once].
	Once Once
}

// Scopes is a set of scopes.
type Scopes uint64

// scopeNames are the scopes there are, in the order of their bits.
var scopeNames = [...]string{
	"tweet.read", "tweet.write", "users.read", "users.write", "follows.read", "follows.write",
	"like.read", "like.write", "bookmark.read", "bookmark.write", "list.read", "list.write",
	"mute.read", "mute.write", "block.read", "block.write", "media.write", "offline.access",
}

// AllScopes bears every scope.
const AllScopes Scopes = 1<<len(scopeNames) - 1

// OfflineAccess is the scope that asks for a refresh token.
const OfflineAccess Scopes = 1 << (len(scopeNames) - 1)

// ParseScopes reads scopes separated by spaces.
func ParseScopes(s string) (Scopes, error) {
	var set Scopes
next:
	for name := range strings.FieldsSeq(s) {
		for i, known := range scopeNames {
			if name == known {
				set |= 1 << i
				continue next
			}
		}
		return 0, warble.Invalid("scope", name, "there is no such scope: there are "+AllScopes.String())
	}
	return set, nil
}

func (s Scopes) String() string {
	var names []string
	for i, name := range scopeNames {
		if s&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

// Has says whether all of want are in the set.
func (s Scopes) Has(want Scopes) bool { return s&want == want }
