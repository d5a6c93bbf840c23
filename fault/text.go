package fault

// InsecureText is requirement D-20, verbatim: people search the web for it. A
// connector says it where a password would travel without TLS (design decision
// 17) and may add how that is put right.
const InsecureText = "You can't set the user name and password in this email server profile and its associated mailboxes because the Microsoft Dynamics 365 server requires using a secure mode (TLS/SSL) to specify credentials. Use another mode of authentication, or contact the Microsoft Dynamics 365 server admin to allow setting credentials on a nonsecure channel."
