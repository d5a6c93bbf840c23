package issue

// insecureText is requirement D-20, verbatim. Each connector that refuses to
// send credentials without TLS says it.
const insecureText = "You can't set the user name and password in this email server profile and its associated mailboxes because the Microsoft Dynamics 365 server requires using a secure mode (TLS/SSL) to specify credentials. Use another mode of authentication, or contact the Microsoft Dynamics 365 server admin to allow setting credentials on a nonsecure channel."

const insecureCause = "Without TLS anybody on the way could read the user name and the password, so they are neither saved for such a server nor sent to it. An address of this very machine counts as secure."
