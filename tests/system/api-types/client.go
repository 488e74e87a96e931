// SPDX-License-Identifier: Apache-2.0
// A client in Go whose types (api.go) were generated from the API's
// description: what it sends is made of them, and what vmnd answers is read by
// them, where no member may be one that they do not have.
// usage: TOKEN=... client URL

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
)

func check(ok bool, what ...interface{}) {
	if !ok {
		fmt.Println(what...)
		os.Exit(1)
	}
}

// call sends body, unless it is nil, and reads the answer into reply.
func call(method, path string, body, reply interface{}) int {
	var sent bytes.Buffer
	if body != nil {
		err := json.NewEncoder(&sent).Encode(body)
		check(err == nil, err)
	}
	request, err := http.NewRequest(method, os.Args[1]+path, &sent)
	check(err == nil, err)
	request.Header.Set("Authorization", "Bearer "+os.Getenv("TOKEN"))
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	check(err == nil, err)
	defer answer.Body.Close()
	decoder := json.NewDecoder(answer.Body)
	decoder.DisallowUnknownFields()
	err = decoder.Decode(reply)
	check(err == nil, method, path, err)
	return answer.StatusCode
}

func main() {
	var network NetworkChange
	status := call("PUT", "/v1/networks/go", NetworkPut{Spec: NetworkSpec{
		Subnets: []NetworkSpecSubnet{{CIDR: "10.80.0.0/24"}},
	}}, &network)
	check(status == 201 && network.Outcome == "created", status, network)

	var change PortChange
	port := PortPut{Spec: PortSpec{
		Network: "go", Labels: map[string]string{"by": "go"},
	}}
	status = call("PUT", "/v1/ports/go-1", port, &change)
	check(status == 201 && strings.HasPrefix(change.Status.IPS[0],
		"10.80.0."), status, change)
	var list PortList
	status = call("GET", "/v1/ports?selector=by=go", nil, &list)
	check(status == 200 && len(list.Items) == 1 &&
		list.Items[0].Name == "go-1" &&
		list.Items[0].Metadata.Etag == change.Metadata.Etag, list)

	var problem Problem
	port.Spec.Network = "nowhere"
	status = call("PUT", "/v1/ports/go-1", port, &problem)
	check(status == 400 && problem.Status == 400 &&
		problem.Errors[0].Pointer == "/spec/network", problem)

	for _, path := range []string{"/v1/ports/go-1", "/v1/networks/go"} {
		var deleted map[string]interface{}
		check(call("DELETE", path, nil, &deleted) == 200, deleted)
	}
	fmt.Println("done")
}
