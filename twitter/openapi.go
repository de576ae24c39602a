package twitter

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"warble/internal/httpx"
)

// object is a JSON object of the description.
type object = map[string]any

// described adds the route that describes the table, itself and the routes of
// OAuth included, in OpenAPI 3.1. It follows from the table alone: paths, who may, scopes and
// limits; query parameters and bodies are X's and are not repeated.
func described(routes, oauth []httpx.Route, base string) []httpx.Route {
	var document func() ([]byte, error)
	routes = append(routes, httpx.Route{
		Method: "GET", Pattern: "/2/openapi.json", Role: httpx.Reader, Access: httpx.NoIdentity, Limit: seldom,
		Handler: func(w http.ResponseWriter, r *http.Request, _ *httpx.Call) error {
			body, err := document()
			if err == nil {
				httpx.ReplyJSON(w, r, http.StatusOK, body)
			}
			return err
		},
	})
	document = sync.OnceValues(func() ([]byte, error) { return json.Marshal(describe(slices.Concat(routes, oauth), base)) })
	return routes
}

// describe is the document.
func describe(routes []httpx.Route, base string) object {
	paths := object{}
	for i := range routes {
		r := &routes[i]
		path, ok := paths[r.Pattern].(object)
		if !ok {
			path = object{}
			paths[r.Pattern] = path
		}
		path[strings.ToLower(r.Method)] = operation(r)
	}
	scopes := object{}
	for name := range strings.FieldsSeq(httpx.AllScopes.String()) {
		scopes[name] = ""
	}
	token := base + "/2/oauth2/token"
	str, list := object{"type": "string"}, object{"type": "array", "items": object{"type": "object"}}
	return object{
		"openapi": "3.1.0",
		"info": object{
			"title": "Warble", "version": "2",
			"description": "The shape of the X API v2: query parameters and bodies are X's.",
		},
		"servers": []object{{"url": base}},
		"paths":   paths,
		"components": object{
			"securitySchemes": object{
				"BearerToken": object{"type": "http", "scheme": "bearer"},
				"OAuth2": object{"type": "oauth2", "flows": object{
					"authorizationCode": object{"authorizationUrl": base + "/i/oauth2/authorize", "tokenUrl": token, "refreshUrl": token, "scopes": scopes},
					"clientCredentials": object{"tokenUrl": token, "scopes": scopes},
				}},
			},
			"responses": object{"Problem": object{
				"description": "What went wrong.",
				"content":     object{"application/problem+json": object{"schema": object{"$ref": "#/components/schemas/Problem"}}},
			}},
			"schemas": object{"Problem": object{
				"type": "object", "required": []string{"type", "title", "detail"},
				"properties": object{"type": str, "title": str, "detail": str, "status": object{"type": "integer"}, "errors": list},
			}},
		},
	}
}

// operation is one route.
func operation(r *httpx.Route) object {
	o := object{
		"operationId": operationID(r),
		"tags":        []string{strings.Split(strings.TrimPrefix(r.Pattern, "/2"), "/")[1]},
		"security":    security(r),
		"responses":   object{"2XX": object{"description": "It worked."}, "default": object{"$ref": "#/components/responses/Problem"}},
	}
	if r.Limit.N > 0 {
		o["description"] = "At most " + strconv.Itoa(r.Limit.N) + " requests in 15 minutes."
	}
	var params []object
	for part := range strings.SplitSeq(r.Pattern, "/") {
		if strings.HasPrefix(part, "{") {
			params = append(params, object{"name": strings.Trim(part, "{}"), "in": "path", "required": true, "schema": object{"type": "string"}})
		}
	}
	if params != nil {
		o["parameters"] = params
	}
	if r.Method != http.MethodGet && r.Method != http.MethodDelete {
		kind := "application/json"
		if r.Access == httpx.NoIdentity { // OAuth's own endpoints
			kind = "application/x-www-form-urlencoded"
		}
		o["requestBody"] = object{"content": object{kind: object{"schema": object{"type": "object"}}}}
	}
	return o
}

// operationID is the route in one word: get_tweets_id_liking_users.
func operationID(r *httpx.Route) string {
	path := strings.NewReplacer("/", "_", "{", "", "}", "", ".", "_").Replace(strings.TrimPrefix(r.Pattern, "/2"))
	return strings.ToLower(r.Method) + path
}

// security lists the ways in, any of which does.
func security(r *httpx.Route) []object {
	ways := []object{}
	switch r.Access {
	case httpx.NoIdentity:
		return ways
	case httpx.Anyone:
		ways = append(ways, object{})
	}
	return append(ways, object{"OAuth2": append([]string{}, strings.Fields(r.Scope)...)}, object{"BearerToken": []string{}})
}
