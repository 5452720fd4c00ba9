package io.mosaic;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaPackage;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The lines that hold the house up: two wings with one direction, no cycles, the engine's own arrows. */
class ArchitectureTests {
    private static final String ENGINE = "io.mosaic.engine";

    /** Each may use those before it. */
    private static final List<String> CHAIN = List.of(
            "json",
            "architecture",
            "tensor",
            "checkpoint",
            "decoder",
            "calibration",
            "ranking",
            "allocation",
            "pruning",
            "search");

    private static final List<String> ASIDE = List.of("evaluation", "export", "pipeline");

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("io.mosaic");

    @Test
    void engineNeverUsesTheServer() {
        noClasses()
                .that()
                .resideInAPackage(ENGINE + "..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("io.mosaic.server..")
                .check(CLASSES);
    }

    @Test
    void engineKnowsNoSpringNoJakartaNoSqlAndNoMicrometer() {
        noClasses()
                .that()
                .resideInAPackage(ENGINE + "..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "org.springframework..",
                        "jakarta..",
                        "java.sql..",
                        "javax.sql..",
                        "org.postgresql..",
                        "org.hibernate..",
                        "io.micrometer..")
                .check(CLASSES);
    }

    @Test
    void packagesHaveNoCycles() {
        slices().matching("io.mosaic.(**)").should().beFreeOfCycles().check(CLASSES);
    }

    static Stream<Arguments> arrows() {
        Stream<Arguments> chain = CHAIN.stream().map(name -> Arguments.of(name, before(name)));
        Stream<Arguments> aside = Stream.of(
                Arguments.of("evaluation", before("ranking")),
                Arguments.of(
                        "export",
                        Stream.concat(before("calibration").stream(), Stream.of("evaluation"))
                                .toList()),
                Arguments.of(
                        "pipeline",
                        Stream.concat(CHAIN.stream(), ASIDE.stream()).toList()));
        return Stream.concat(chain, aside);
    }

    private static List<String> before(String name) {
        return CHAIN.subList(0, CHAIN.indexOf(name));
    }

    @ParameterizedTest
    @MethodSource("arrows")
    void enginePackageUsesOnlyThoseBehindIt(String name, List<String> behind) {
        String[] forbidden = Stream.concat(CHAIN.stream(), ASIDE.stream())
                .filter(other -> !other.equals(name) && !behind.contains(other))
                .map(other -> ENGINE + "." + other + "..")
                .toArray(String[]::new);
        noClasses()
                .that()
                .resideInAPackage(ENGINE + "." + name + "..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(forbidden)
                .check(CLASSES);
    }

    @Test
    void engineRootUsesNoneOfItsPackages() {
        noClasses()
                .that()
                .resideInAPackage(ENGINE)
                .should()
                .dependOnClassesThat()
                .resideInAPackage(ENGINE + ".*..")
                .check(CLASSES);
    }

    @Test
    void everyEnginePackageHasItsPlaceAmongTheArrows() {
        String[] known = Stream.concat(CHAIN.stream(), ASIDE.stream())
                .map(name -> ENGINE + "." + name + "..")
                .toArray(String[]::new);
        classes()
                .that()
                .resideInAPackage(ENGINE + ".*..")
                .should()
                .resideInAnyPackage(known)
                .check(CLASSES);
    }

    /** Its native traps abort the whole process, so one package knows them. */
    @Test
    void onlyTheTensorPackageTouchesPyTorchItself() {
        noClasses()
                .that()
                .resideInAPackage(ENGINE + "..")
                .and()
                .resideOutsideOfPackage(ENGINE + ".tensor..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("ai.djl.pytorch..")
                .check(CLASSES);
    }

    /** So that what a store fails with is said in one way, and credentials pass through one pair of hands. */
    @Test
    void onlyTheObjectsPackageSpeaksS3AndItKnowsNoOther() {
        String objects = "io.mosaic.server.objects..";
        noClasses()
                .that()
                .resideOutsideOfPackage(objects)
                .should()
                .dependOnClassesThat()
                .resideInAPackage("software.amazon..")
                .check(CLASSES);
        classes()
                .that()
                .resideInAPackage(objects)
                .should()
                .onlyDependOnClassesThat(
                        resideOutsideOfPackage("io.mosaic.server..").or(resideInAPackage(objects)))
                .check(CLASSES);
    }

    @Test
    void everyPackageIsNullMarked() {
        JavaPackage root = CLASSES.getPackage("io.mosaic");
        assertThat(Stream.concat(Stream.of(root), root.getSubpackagesInTree().stream())
                        .filter(p -> !p.getClasses().isEmpty())
                        .filter(p -> !p.isAnnotatedWith(NullMarked.class))
                        .map(JavaPackage::getName))
                .isEmpty();
    }
}
