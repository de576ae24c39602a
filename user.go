package warble

import "strings"

// User is a person's account. The stored row also holds what is never part
// of a public answer: Email, Password, Born, LastLogin.
//
// Rows handed out by a store are shared: never change one in place.
type User struct {
	ID        UserID
	Version   uint64 // rises by one with every stored edit; the first is 1
	Handle    string // as written; unique without regard to case
	Name      string
	Bio       string
	Location  string
	URL       string
	Avatar    *Photo
	Header    *Photo
	Pinned    TweetID
	Protected bool // tweets are for accepted followers only
	Suspended bool // by an operator: the account and its tweets are hidden
	Deleted   bool // by its owner: hidden for good
	Imported  bool // made by an import: has no password until one is set

	Email     string
	Password  string // argon2id in PHC form; empty: cannot sign in
	Born      string // 2006-01-02 or empty
	LastLogin string // 2006-01-02 (UTC) or empty; stored at most once a day
}

// Active says whether the account may act and be seen at all.
func (u *User) Active() bool { return u != nil && !u.Suspended && !u.Deleted }

// FoldHandle is the form under which a handle is unique.
func FoldHandle(handle string) string { return strings.ToLower(handle) }

// HandleClaim is the claim on a handle: a user row holds its handle only while
// the claim names that user.
func HandleClaim(handle string) string { return "handle/" + FoldHandle(handle) }

// EmailClaim is the claim on an e-mail address.
func EmailClaim(email string) string { return "email/" + strings.ToLower(email) }
