package refgate;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.ResultSeverityEnum;
import ca.uhn.fhir.validation.SingleValidationMessage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.UnknownCodeSystemWarningValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;

/**
 * Validates every *.json file of the folders (or the files) given, with HAPI's FHIR R4 validator, and
 * prints what it says. Exit 1 when a file has an error, 2 when no file was found.
 *
 * <p>Options: {@code --strict} leaves code systems that HAPI does not carry (LOINC, SNOMED CT, ours) to
 * its default treatment instead of a warning; {@code --warnings} prints warnings too.
 */
public final class Check {
    private int files;
    private int faulty;
    private int errors;
    private int warnings;
    private final boolean showWarnings;
    private final FhirValidator validator;

    private Check(boolean strict, boolean showWarnings) {
        this.showWarnings = showWarnings;
        FhirContext context = FhirContext.forR4();
        this.validator = context.newValidator();
        validator.registerValidatorModule(new FhirInstanceValidator(support(context, strict)));
    }

    private static IValidationSupport support(FhirContext context, boolean strict) {
        ValidationSupportChain chain = new ValidationSupportChain();
        chain.addValidationSupport(new DefaultProfileValidationSupport(context));
        chain.addValidationSupport(new CommonCodeSystemsTerminologyService(context));
        chain.addValidationSupport(new InMemoryTerminologyServerValidationSupport(context));
        chain.addValidationSupport(new SnapshotGeneratingValidationSupport(context));
        if (!strict) {
            UnknownCodeSystemWarningValidationSupport unknown =
                    new UnknownCodeSystemWarningValidationSupport(context);
            unknown.setNonExistentCodeSystemSeverity(IValidationSupport.IssueSeverity.WARNING);
            chain.addValidationSupport(unknown);
        }
        return chain;
    }

    private static List<Path> filesOf(String argument) throws IOException {
        Path path = Path.of(argument);
        if (!Files.isDirectory(path)) {
            return List.of(path);
        }
        try (Stream<Path> found = Files.walk(path)) {
            return found.filter(file -> file.toString().endsWith(".json")).sorted().toList();
        }
    }

    private void check(Path file) throws IOException {
        boolean bad = false;
        for (SingleValidationMessage message :
                validator.validateWithResult(Files.readString(file)).getMessages()) {
            boolean error = message.getSeverity().compareTo(ResultSeverityEnum.ERROR) >= 0;
            boolean warning = message.getSeverity() == ResultSeverityEnum.WARNING;
            errors += error ? 1 : 0;
            warnings += warning ? 1 : 0;
            bad |= error;
            if (error || (showWarnings && warning)) {
                System.out.printf("%s: %s: %s: %s%n", file, message.getSeverity().getCode(),
                        message.getLocationString(), message.getMessage());
            }
        }
        files++;
        faulty += bad ? 1 : 0;
    }

    public static void main(String[] arguments) throws IOException {
        List<String> given = new ArrayList<>(List.of(arguments));
        Check check = new Check(given.remove("--strict"), given.remove("--warnings"));
        for (String argument : given) {
            for (Path file : filesOf(argument)) {
                check.check(file);
            }
        }
        System.out.printf("%d files validated, %d with errors; %d errors, %d warnings%n", check.files,
                check.faulty, check.errors, check.warnings);
        System.exit(check.files == 0 ? 2 : check.faulty > 0 ? 1 : 0);
    }
}
