"""From the text of a SQL expression to its tree: the operators and their order are those of the SQL standard."""

from datetime import date, datetime
from decimal import Decimal

from flowforge.model.contract import DataType
from flowforge.model.expression import Binary, Call, Case, Cast, Column, Expression, In, IsNull, Like, Literal, Unary
from flowforge.model.expression_functions import ARITIES, DATE_PARTS, SYNONYMS, refusal
from flowforge.model.expression_tokens import ExpressionError, Token, tokens_of

MAX_DEPTH = 60
COMPARISONS = {"=": "=", "==": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
TYPES = {
    "varchar": "text",
    "string": "text",
    "char": "text",
    "int": "integer",
    "bigint": "integer",
    "double": "float",
    "real": "float",
    "bool": "boolean",
    "datetime": "timestamp",
}
DEFAULT_DECIMAL = "decimal(38,9)"
RESERVED = frozenset(
    (
        "and", "as", "between", "case", "cast", "else", "end", "exists", "from", "group", "having", "in", "is", "like", "ilike",
        "limit", "not", "null", "or", "order", "over", "select", "then", "union", "when", "where", "with",
    )
)  # fmt: skip
MAX_INTEGER_DIGITS = 18


def parse_expression(text: str) -> Expression:
    """Parse one scalar expression. Raises ExpressionError (a ValueError) saying what is wrong at which character."""
    parser = _Parser(tokens_of(text))
    expression = parser.disjunction(0)
    parser.require_end()
    return expression


class _Parser:
    """Recursive descent: one method for each level of precedence, the loosest first."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def require_end(self) -> None:
        token = self._peek()
        if token.is_word("over"):
            raise ExpressionError(f"OVER at character {token.position}: a window is over many rows; an expression sees one row")
        if token.kind != "end":
            raise _unexpected(token, "the end")

    def disjunction(self, depth: int) -> Expression:
        if depth > MAX_DEPTH:
            raise ExpressionError(f"the expression is nested more than {MAX_DEPTH} deep")
        left = self._conjunction(depth)
        while self._take_word("or"):
            left = Binary("or", left, self._conjunction(depth))
        return left

    def _conjunction(self, depth: int) -> Expression:
        left = self._negation(depth)
        while self._take_word("and"):
            left = Binary("and", left, self._negation(depth))
        return left

    def _negation(self, depth: int) -> Expression:
        negations = 0
        while self._take_word("not"):
            negations += 1
        compared = self._comparison(depth)
        for _ in range(negations):
            compared = Unary("not", compared)
        return compared

    def _comparison(self, depth: int) -> Expression:
        left = self._sum(depth)
        while True:
            token = self._peek()
            if token.is_symbol(*COMPARISONS):
                self._next()
                left = Binary(COMPARISONS[token.text], left, self._sum(depth))
            elif token.is_word("is"):
                left = self._is(left)
            elif token.is_word("not", "in", "between", "like", "ilike"):
                left = self._predicate(left, depth)
            else:
                return left

    def _is(self, left: Expression) -> Expression:
        self._next()
        negated = self._take_word("not")
        if self._take_word("null"):
            found: Expression = IsNull(left)
        elif self._peek().is_word("true", "false"):
            value = self._next().is_word("true")
            # IS TRUE is never null.
            found = Call("coalesce", (Binary("=", left, Literal(value)), Literal(False)))
        else:
            raise _unexpected(self._peek(), "NULL, TRUE or FALSE")
        return Unary("not", found) if negated else found

    def _predicate(self, left: Expression, depth: int) -> Expression:
        negated = self._take_word("not")
        token = self._next()
        if token.is_word("in"):
            found: Expression = In(left, self._list(depth))
        elif token.is_word("between"):
            low = self._sum(depth)
            self._require_word("and")
            found = Binary("and", Binary(">=", left, low), Binary("<=", left, self._sum(depth)))
        elif token.is_word("like", "ilike"):
            pattern = self._next()
            if pattern.kind != "text":
                raise _unexpected(pattern, "a pattern in single quotes")
            found = Like(left, pattern.text, ignore_case=token.is_word("ilike"))
        else:
            raise _unexpected(token, "IN, BETWEEN or LIKE")
        return Unary("not", found) if negated else found

    def _list(self, depth: int) -> tuple[Expression, ...]:
        self._require_symbol("(")
        items = [self.disjunction(depth + 1)]
        while self._take_symbol(","):
            items.append(self.disjunction(depth + 1))
        self._require_symbol(")")
        return tuple(items)

    def _sum(self, depth: int) -> Expression:
        left = self._product(depth)
        while self._peek().is_symbol("+", "-", "||"):
            operator = self._next().text
            left = Binary(operator, left, self._product(depth))
        return left

    def _product(self, depth: int) -> Expression:
        left = self._sign(depth)
        while self._peek().is_symbol("*", "/", "%"):
            operator = self._next().text
            left = Binary(operator, left, self._sign(depth))
        return left

    def _sign(self, depth: int) -> Expression:
        negative = False
        while self._peek().is_symbol("-", "+"):
            negative ^= self._next().text == "-"
        operand = self._primary(depth)
        if negative and isinstance(operand, Literal) and isinstance(operand.value, int | float | Decimal):
            return Literal(-operand.value)
        return Unary("-", operand) if negative else operand

    def _primary(self, depth: int) -> Expression:
        token = self._next()
        match token.kind:
            case "number":
                return _number(token)
            case "text":
                return Literal(token.text)
            case "name":
                return Column(token.text)
            case "word":
                return self._word(token, depth)
        if token.is_symbol("("):
            inner = self.disjunction(depth + 1)
            self._require_symbol(")")
            return inner
        raise _unexpected(token, "a column, a value or a function")

    def _word(self, token: Token, depth: int) -> Expression:
        word = token.text.lower()
        if word in ("null", "true", "false"):
            return Literal({"null": None, "true": True, "false": False}[word])
        if word in ("date", "timestamp") and self._peek().kind == "text":
            return _moment(word, self._next())
        if word == "case":
            return self._case(depth)
        if word in ("cast", "try_cast"):
            return self._cast(depth)
        if word == "extract":
            return self._extract(depth)
        if word in ("select", "exists", "with"):
            raise ExpressionError(
                f"{word.upper()} at character {token.position}: an expression reads its own row, so it has no subquery"
            )
        if word in RESERVED:
            raise _unexpected(token, "a column, a value or a function")
        return self._call(token, depth) if self._peek().is_symbol("(") else Column(token.text)

    def _call(self, token: Token, depth: int) -> Expression:
        name = token.text.lower()
        name = SYNONYMS.get(name, name)
        if name not in ARITIES:
            raise ExpressionError(refusal(name))
        self._require_symbol("(")
        arguments: list[Expression] = []
        if not self._peek().is_symbol(")"):
            arguments.append(self.disjunction(depth + 1))
            while self._take_symbol(","):
                arguments.append(self.disjunction(depth + 1))
        self._require_symbol(")")
        fewest, most = ARITIES[name]
        if not fewest <= len(arguments) <= most:
            wanted = str(fewest) if fewest == most else f"{fewest} to {most}"
            raise ExpressionError(f"{name} takes {wanted} arguments and has {len(arguments)}")
        return Call(name, tuple(arguments))

    def _case(self, depth: int) -> Expression:
        subject = None if self._peek().is_word("when") else self.disjunction(depth + 1)
        branches = []
        while self._take_word("when"):
            condition = self.disjunction(depth + 1)
            self._require_word("then")
            value = self.disjunction(depth + 1)
            branches.append((condition if subject is None else Binary("=", subject, condition), value))
        otherwise: Expression = self.disjunction(depth + 1) if self._take_word("else") else Literal(None)
        self._require_word("end")
        if not branches:
            raise ExpressionError("CASE has no WHEN")
        return Case(tuple(branches), otherwise)

    def _cast(self, depth: int) -> Expression:
        self._require_symbol("(")
        operand = self.disjunction(depth + 1)
        self._require_word("as")
        token = self._next()
        if token.kind != "word":
            raise _unexpected(token, "a data type")
        name = token.text.lower()
        if name in ("decimal", "numeric"):
            name = self._decimal()
        self._require_symbol(")")
        try:
            return Cast(operand, DataType.parse(TYPES.get(name, name)))
        except ValueError as error:
            raise ExpressionError(str(error)) from error

    def _decimal(self) -> str:
        if not self._take_symbol("("):
            return DEFAULT_DECIMAL
        precision = self._next().text
        scale = self._next().text if self._take_symbol(",") else "0"
        self._require_symbol(")")
        return f"decimal({precision},{scale})"

    def _extract(self, depth: int) -> Expression:
        self._require_symbol("(")
        part = self._next()
        if not part.is_word(*DATE_PARTS):
            raise _unexpected(part, f"one of {', '.join(DATE_PARTS)}")
        self._require_word("from")
        operand = self.disjunction(depth + 1)
        self._require_symbol(")")
        return Call(part.text.lower(), (operand,))

    def _peek(self) -> Token:
        return self._tokens[self._at]

    def _next(self) -> Token:
        token = self._tokens[self._at]
        if token.kind != "end":
            self._at += 1
        return token

    def _take_word(self, word: str) -> bool:
        return self._take(self._peek().is_word(word))

    def _take_symbol(self, symbol: str) -> bool:
        return self._take(self._peek().is_symbol(symbol))

    def _take(self, present: bool) -> bool:
        self._at += present
        return present

    def _require_word(self, word: str) -> None:
        if not self._take_word(word):
            raise _unexpected(self._peek(), word.upper())

    def _require_symbol(self, symbol: str) -> None:
        if not self._take_symbol(symbol):
            raise _unexpected(self._peek(), f"'{symbol}'")


def _number(token: Token) -> Literal:
    if "e" in token.text.lower():
        return Literal(float(token.text))
    if "." in token.text:
        return Literal(Decimal(token.text))
    if len(token.text.lstrip("0")) > MAX_INTEGER_DIGITS:
        raise ExpressionError(f"the number {token.text} at character {token.position} has more than {MAX_INTEGER_DIGITS} digits")
    return Literal(int(token.text))


def _moment(word: str, token: Token) -> Literal:
    try:
        return Literal(date.fromisoformat(token.text) if word == "date" else datetime.fromisoformat(token.text))
    except ValueError as error:
        raise ExpressionError(
            f"{word} '{token.text}' at character {token.position} is not of the form YYYY-MM-DD[ HH:MM:SS]"
        ) from error


def _unexpected(token: Token, wanted: str) -> ExpressionError:
    found = token.text if token.kind == "end" else repr(token.text)
    return ExpressionError(f"{found} at character {token.position}, where {wanted} is wanted")
