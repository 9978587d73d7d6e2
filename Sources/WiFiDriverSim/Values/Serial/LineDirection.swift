/// The direction of bytes on a serial line, as seen from the module.
package enum LineDirection: Sendable { case toModule, toHost }
