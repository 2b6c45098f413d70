package ocsf

import "encoding/json"

// event is one event of any class that is written here. Attributes of other
// classes stay empty and are left out.
type event struct {
	ActivityID   int    `json:"activity_id"`
	ActivityName string `json:"activity_name"`
	CategoryUID  int    `json:"category_uid"`
	CategoryName string `json:"category_name"`
	ClassUID     int    `json:"class_uid"`
	ClassName    string `json:"class_name"`
	TypeUID      int    `json:"type_uid"`
	TypeName     string `json:"type_name"`
	SeverityID   int    `json:"severity_id"`
	Severity     string `json:"severity"`
	Time         int64  `json:"time"`
	Message      string `json:"message,omitempty"`
	StatusID     *int   `json:"status_id,omitempty"`
	Status       string `json:"status,omitempty"`
	StatusCode   string `json:"status_code,omitempty"`
	StatusDetail string `json:"status_detail,omitempty"`

	Metadata     metadata      `json:"metadata"`
	Attestations []attestation `json:"attestation_list,omitempty"`

	Actor       *actor       `json:"actor,omitempty"`
	AIAgent     *aiAgent     `json:"ai_agent,omitempty"`
	API         *api         `json:"api,omitempty"`
	SrcEndpoint *endpoint    `json:"src_endpoint,omitempty"`
	DstEndpoint *endpoint    `json:"dst_endpoint,omitempty"`
	Resources   []resource   `json:"resources,omitempty"`
	App         *application `json:"app,omitempty"`

	ActionID       int             `json:"action_id,omitempty"`
	Action         string          `json:"action,omitempty"`
	DispositionID  int             `json:"disposition_id,omitempty"`
	Disposition    string          `json:"disposition,omitempty"`
	Authorizations []authorization `json:"authorizations,omitempty"`
	Policy         *policy         `json:"policy,omitempty"`
	IsAlert        bool            `json:"is_alert,omitempty"`

	User       *user    `json:"user,omitempty"`
	Session    *session `json:"session,omitempty"`
	Privileges []string `json:"privileges,omitempty"`

	Entity        *entity      `json:"entity,omitempty"`
	UpdatedEntity *entity      `json:"updated_entity,omitempty"`
	Comment       string       `json:"comment,omitempty"`
	FindingInfo   *findingInfo `json:"finding_info,omitempty"`
	Notes         []note       `json:"notes,omitempty"`

	Unmapped unmapped `json:"unmapped"`
}

type metadata struct {
	Version        string   `json:"version"`
	Product        product  `json:"product"`
	Profiles       []string `json:"profiles,omitempty"`
	UID            string   `json:"uid"`
	CorrelationUID string   `json:"correlation_uid,omitempty"`
	EventCode      string   `json:"event_code"`
	LogName        string   `json:"log_name"`
	LogProvider    string   `json:"log_provider"`
	LogVersion     string   `json:"log_version"`
	Sequence       uint64   `json:"sequence"`
	OriginalTime   string   `json:"original_time"`
	Labels         []string `json:"labels,omitempty"`
}

type product struct {
	Name       string `json:"name"`
	VendorName string `json:"vendor_name"`
	Version    string `json:"version,omitempty"`
}

type attestation struct {
	UID          string      `json:"uid"`
	AuthorityUID string      `json:"authority_uid,omitempty"`
	ChainUID     string      `json:"chain_uid"`
	Fingerprint  fingerprint `json:"fingerprint"`
	PrevEvent    *prevEvent  `json:"prev_event,omitempty"`
}

type prevEvent struct {
	UID         string      `json:"uid"`
	Fingerprint fingerprint `json:"fingerprint"`
}

type fingerprint struct {
	AlgorithmID     int    `json:"algorithm_id"`
	Algorithm       string `json:"algorithm"`
	EncodingID      int    `json:"encoding_id"`
	Encoding        string `json:"encoding"`
	SerializationID int    `json:"serialization_id"`
	Serialization   string `json:"serialization"`
	Value           string `json:"value"`
}

type actor struct {
	AppName string   `json:"app_name,omitempty"`
	User    *user    `json:"user,omitempty"`
	Session *session `json:"session,omitempty"`
}

type user struct {
	UID    string `json:"uid"`
	Domain string `json:"domain,omitempty"`
}

type session struct {
	UID string `json:"uid"`
}

type aiAgent struct {
	UID  string `json:"uid,omitempty"`
	Name string `json:"name,omitempty"`
}

type api struct {
	Operation string   `json:"operation"`
	Service   *service `json:"service,omitempty"`
	Request   *request `json:"request,omitempty"`
}

type service struct {
	Name string `json:"name"`
}

type request struct {
	UID string `json:"uid"`
}

type endpoint struct {
	Name    string `json:"name,omitempty"`
	SvcName string `json:"svc_name,omitempty"`
}

type resource struct {
	Name   string   `json:"name,omitempty"`
	UID    string   `json:"uid,omitempty"`
	Type   string   `json:"type"`
	Labels []string `json:"labels,omitempty"`
}

type application struct {
	Name    string   `json:"name"`
	UID     string   `json:"uid,omitempty"`
	Feature *feature `json:"feature,omitempty"`
}

type feature struct {
	Name string `json:"name"`
}

type authorization struct {
	Decision string  `json:"decision"`
	Policy   *policy `json:"policy,omitempty"`
}

type policy struct {
	Name      string `json:"name,omitempty"`
	UID       string `json:"uid,omitempty"`
	Type      string `json:"type,omitempty"`
	Version   string `json:"version,omitempty"`
	IsApplied *bool  `json:"is_applied,omitempty"`
}

type entity struct {
	Name   string  `json:"name"`
	UID    string  `json:"uid,omitempty"`
	TypeID int     `json:"type_id"`
	Type   string  `json:"type"`
	Policy *policy `json:"policy,omitempty"`
}

type findingInfo struct {
	UID         string   `json:"uid"`
	Title       string   `json:"title"`
	Desc        string   `json:"desc,omitempty"`
	CreatedTime int64    `json:"created_time"`
	Types       []string `json:"types,omitempty"`
	Analytic    analytic `json:"analytic"`
}

type analytic struct {
	Name   string `json:"name"`
	TypeID int    `json:"type_id"`
	Type   string `json:"type"`
}

type note struct {
	Comment string `json:"comment"`
	Created int64  `json:"created_time"`
	Owner   *user  `json:"owner,omitempty"`
}

// unmapped holds the one object for which the schema has no place.
type unmapped struct {
	MCP mcp `json:"mcp"`
}

// mcp is the exported record below the version of this object. The members
// that OCSF has a place for stand here too: a reader of unmapped.mcp needs no
// other attribute to find what the record said.
type mcp struct {
	Version string          `json:"version"`
	Record  json.RawMessage `json:"record"`
}
