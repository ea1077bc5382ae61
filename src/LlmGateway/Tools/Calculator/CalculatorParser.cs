using System.Globalization;

namespace LlmGateway.Tools.Calculator;

/// <summary>
/// Evaluates an expression while it reads it, by recursive descent. Precedence, lowest first: <c>+ -</c>, <c>* / %</c>, sign, <c>^</c>
/// (from the right), <c>! %</c> behind a number. Length and depth are bounded; whatever is wrong is a text, never an exception.
/// </summary>
internal ref struct CalculatorParser
{
    /// <summary>A longer expression is refused.</summary>
    public const int MaxLength = 1000;

    private const int MaxDepth = 100;

    private readonly ReadOnlySpan<char> _text;
    private int _position;
    private int _depth;
    private string? _error;

    private CalculatorParser(ReadOnlySpan<char> text) => _text = text;

    /// <summary>The value, or what is wrong.</summary>
    public static (CalculatorNumber Value, string? Error) Evaluate(string expression)
    {
        if (expression.Length > MaxLength)
        {
            return (default, $"The expression is longer than {MaxLength} characters.");
        }

        var parser = new CalculatorParser(expression);
        var value = parser.Sum();
        parser.Peek();
        if (parser._error is null && parser._position < parser._text.Length)
        {
            parser.Unexpected();
        }

        return (value, parser._error);
    }

    private CalculatorNumber Sum()
    {
        if (++_depth > MaxDepth)
        {
            Fail($"The expression is nested deeper than {MaxDepth} levels.");
            return default;
        }

        var value = Product();
        while (_error is null)
        {
            if (Take('+'))
            {
                value = Checked(value + Product());
            }
            else if (Take('-') || Take('−'))
            {
                value = Checked(value - Product());
            }
            else
            {
                break;
            }
        }

        _depth--;
        return value;
    }

    private CalculatorNumber Product()
    {
        var value = Signed();
        while (_error is null)
        {
            if (Take('*') || Take('×') || Take('·') || TakeWord("of"))
            {
                value = Checked(value * Signed());
            }
            else if (Take('/') || Take('÷'))
            {
                value = Divide(value, Signed(), static (a, b) => a / b);
            }
            else if (Take('%') || TakeWord("mod"))
            {
                value = Divide(value, Signed(), CalculatorNumber.Modulo);
            }
            else
            {
                break;
            }
        }

        return value;
    }

    /// <summary>A sign binds looser than a power: -2^2 is -4.</summary>
    private CalculatorNumber Signed()
    {
        var isNegative = false;
        while (_error is null)
        {
            if (Take('-') || Take('−'))
            {
                isNegative = !isNegative;
            }
            else if (!Take('+'))
            {
                break;
            }
        }

        var value = Power();
        return isNegative ? -value : value;
    }

    private CalculatorNumber Power()
    {
        var value = Postfix();
        if (_error is not null || !(Take('^') || TakeTwice('*')))
        {
            return value;
        }

        if (++_depth > MaxDepth)
        {
            Fail($"The expression is nested deeper than {MaxDepth} levels.");
            return default;
        }

        var exponent = Signed();
        var power = value.Value == 0 && exponent.Value < 0 ? Fail("Division by zero.") : Checked(CalculatorNumber.Power(value, exponent));
        _depth--;
        return power;
    }

    private CalculatorNumber Postfix()
    {
        var value = Primary();
        while (_error is null)
        {
            if (Peek() == '!')
            {
                _position++;
                value = CalculatorFunctions.Factorial(value);
                if (!double.IsFinite(value.Value))
                {
                    Fail("A factorial needs a whole number from 0 to 170.");
                }
            }
            else if (Peek() == '%' && IsPercent())
            {
                _position++;
                value /= CalculatorNumber.Exact(100);
            }
            else
            {
                break;
            }
        }

        return value;
    }

    private CalculatorNumber Primary()
    {
        var next = Peek();
        if (Take('('))
        {
            var value = Sum();
            Expect(')');
            return value;
        }

        return char.IsAsciiDigit(next) || next == '.' ? Number() : char.IsLetter(next) ? Named() : Unexpected();
    }

    private CalculatorNumber Number()
    {
        var start = _position;
        SkipDigits();
        if (At(_position) == '.')
        {
            _position++;
            SkipDigits();
        }

        var sign = At(_position + 1) is '+' or '-' ? 1 : 0;
        if (At(_position) is 'e' or 'E' && char.IsAsciiDigit(At(_position + 1 + sign)))
        {
            _position += 1 + sign;
            SkipDigits();
        }

        var text = _text[start.._position];
        if (decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var exact) && text.Length <= 28)
        {
            return CalculatorNumber.Exact(exact);
        }

        return double.TryParse(text, NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out var value)
            ? Checked(CalculatorNumber.Of(value))
            : Fail($"'{Shown(text)}' is not a number.");
    }

    private CalculatorNumber Named()
    {
        var name = Word();
        _position += name.Length;
        if (CalculatorFunctions.TryGetConstant(name.ToString(), out var constant))
        {
            return constant;
        }

        if (!CalculatorFunctions.TryGetFunction(name.ToString(), out var function))
        {
            return Fail($"'{Shown(name)}' is not a known function or constant. Known: {CalculatorFunctions.Names}, pi, e, tau.");
        }

        if (!Expect('('))
        {
            return default;
        }

        var arguments = new List<CalculatorNumber>(2);
        do
        {
            arguments.Add(Sum());
        }
        while (_error is null && (Take(',') || Take(';')));
        if (!Expect(')'))
        {
            return default;
        }

        return arguments.Count < function!.MinArguments || arguments.Count > function.MaxArguments
            ? Fail($"'{Shown(name)}' takes {(function.MinArguments == function.MaxArguments ? $"{function.MinArguments}" : $"{function.MinArguments} to {function.MaxArguments}")} arguments.")
            : Checked(function.Apply(arguments), name);
    }

    private CalculatorNumber Divide(CalculatorNumber value, CalculatorNumber divisor, Func<CalculatorNumber, CalculatorNumber, CalculatorNumber> divide) =>
        _error is not null ? default : divisor.Value == 0 ? Fail("Division by zero.") : Checked(divide(value, divisor));

    private CalculatorNumber Checked(CalculatorNumber value, ReadOnlySpan<char> function = default)
    {
        if (_error is null && !double.IsFinite(value.Value))
        {
            Fail(double.IsNaN(value.Value)
                ? function.IsEmpty ? "The result is not a real number." : $"'{Shown(function)}' is not defined for this argument."
                : "The result is too large.");
        }

        return value;
    }

    /// <summary>10% and 10% of 5 are percents, 10 % 3 is a remainder.</summary>
    private readonly bool IsPercent()
    {
        var next = _position + 1;
        while (char.IsWhiteSpace(At(next)))
        {
            next++;
        }

        var isOperand = char.IsAsciiDigit(At(next)) || At(next) is '(' or '.' || char.IsLetter(At(next));
        var rest = _text[Math.Min(next, _text.Length)..];
        return !isOperand || (rest.StartsWith("of", StringComparison.OrdinalIgnoreCase) && !char.IsLetterOrDigit(At(next + 2)));
    }

    private readonly ReadOnlySpan<char> Word()
    {
        var end = _position;
        while (char.IsLetterOrDigit(At(end)))
        {
            end++;
        }

        return _text[_position..end];
    }

    private bool TakeWord(string word)
    {
        Peek();
        var isThere = Word().Equals(word, StringComparison.OrdinalIgnoreCase);
        _position += isThere ? word.Length : 0;
        return isThere;
    }

    private bool TakeTwice(char character)
    {
        var isThere = Peek() == character && At(_position + 1) == character;
        _position += isThere ? 2 : 0;
        return isThere;
    }

    private bool Take(char character)
    {
        var isThere = _error is null && Peek() == character;
        _position += isThere ? 1 : 0;
        return isThere;
    }

    private bool Expect(char character)
    {
        if (!Take(character))
        {
            Fail($"Expected '{character}' at position {_position + 1}.");
        }

        return _error is null;
    }

    /// <summary>The next character that is no white space; NUL at the end.</summary>
    private char Peek()
    {
        while (char.IsWhiteSpace(At(_position)))
        {
            _position++;
        }

        return At(_position);
    }

    private readonly char At(int position) => position < _text.Length ? _text[position] : '\0';

    private void SkipDigits()
    {
        while (char.IsAsciiDigit(At(_position)))
        {
            _position++;
        }
    }

    private CalculatorNumber Unexpected() => _position < _text.Length
        ? Fail($"'{Shown(_text.Slice(_position, 1))}' is not expected at position {_position + 1}.")
        : Fail("The expression ends too early.");

    private CalculatorNumber Fail(string error)
    {
        _error ??= error;
        return default;
    }

    private static string Shown(ReadOnlySpan<char> text)
    {
        foreach (var character in text)
        {
            if (char.IsControl(character) || char.IsSurrogate(character) || char.GetUnicodeCategory(character) == UnicodeCategory.Format)
            {
                return "?";
            }
        }

        return text.Length <= 32 ? text.ToString() : $"{text[..32]}…";
    }
}
