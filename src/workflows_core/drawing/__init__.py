"""Drawing of diagrams: a layered layout, and its renderings as SVG and as text.

The layout follows the four steps of Sugiyama, Tagawa and Toda, *Methods for Visual Understanding of
Hierarchical System Structures* (IEEE Transactions on Systems, Man, and Cybernetics, 1981). There is one
module for each, in the order in which they are taken: `layers`, `hierarchy` and `ordering`, `positions`,
`channels` and `routes`. `layout` puts them together; `svg` and `ascii` draw the result.

Everything is a pure function, and the same diagram always gives the same drawing.
"""
