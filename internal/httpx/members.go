package httpx

import (
	"encoding/json"
	"reflect"
	"strings"

	"warble"
)

// maxNamed is how many names an error lists.
const maxNamed = 30

// unknownMember says where in the body the member of this name stands that v
// has no place for, and which members there are instead.
func unknownMember(name string, body []byte, v any) error {
	reason := "there is no such member"
	var doc any
	if json.Unmarshal(body, &doc) == nil {
		if path, known := stray(doc, reflect.TypeOf(v), ""); path != "" {
			name = path
			if len(known) <= maxNamed {
				reason += ": there are " + strings.Join(known, ", ")
			}
		}
	}
	return warble.Invalid(name, "", reason)
}

// stray finds a member of doc that t lacks: its path, and the names that are
// known in its place.
func stray(doc any, t reflect.Type, path string) (found string, known []string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	object, ok := doc.(map[string]any)
	if !ok || t.Kind() != reflect.Struct {
		return "", nil
	}
	fields := map[string]reflect.Type{}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			name = f.Name
		}
		known = append(known, name)
		fields[strings.ToLower(name)] = f.Type
	}
	for name, value := range object {
		field, ok := fields[strings.ToLower(name)]
		if !ok {
			return path + name, known
		}
		if found, inner := stray(value, field, path+name+"."); found != "" {
			return found, inner
		}
	}
	return "", nil
}

// wanted is what a value of type t is in JSON.
func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return wanted(t.Elem())
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	default:
		return "a whole number"
	}
}
